/** The policy of the contract's first page, less the scanners. */
export const INBOUND = `policy: inbound

settings:                                # typed; a recipient, domain or tenant may override (§6)
  spam_hold:    { type: number, default: 6.0, min: 3.0, max: 30.0, about: "score from which mail is held" }
  greylist:     { type: bool, default: false }
  dmarc_strict: { type: bool, default: false }

define:                                  # named expressions, typed, shown by name in the trace
  forwarder:    "arc.trusted || client.name in lists.list_servers"
  mailing_list: "forwarder && header('list-id') != ''"
  partner:      "from.verified && from.domain in lists.partners"

checks:
  connect:
    - dnsbl:
        lists:
          spamhaus:
            zone: zen.spamhaus.org       # or zone_file: for a zone with a key in its name, then shown_as:
            codes: { "127.0.0.2-3": 4, "127.0.0.4-7": 5, "127.0.0.9": 6, "127.0.0.10-11": 3 }
            lookup_url: "https://check.spamhaus.org/results/?query={client.ip}"
          dnswl: { zone: list.dnswl.org, codes: { "127.0.*.1": -1, "127.0.*.2": -2, "127.0.*.3": -3 }, errors: ["127.0.0.255"] }
    - rdns: {}
  helo:
    - helo: {}
  mail:
    - spf: {}
    - sender_domain: {}
    - rate: { as: rate_client, key: client.network, limit: 200, window: 10m }
  rcpt:
    - greylist: { when: "settings.greylist && (dnsbl.score > 0 || rdns.result != 'pass')" }
  data:
    - dkim: {}
    - arc: { trusted_sealers: lists.sealers }
    - dmarc: {}

rules:
  rcpt:
    - name: listed-client
      group: reputation
      when: "dnsbl.score >= 4"
      reject: { use: blocklisted }
    - name: too-fast
      group: reputation
      when: rate_client.exceeded
      defer: { code: 450, enhanced: 4.7.1, text: "too many messages from {client.network}" }
    - name: greylisted
      group: greylist
      when: "greylist.result == 'wait'"
      defer: { code: 451, enhanced: 4.7.1, text: "please try again in {greylist.wait}" }
  data:
    - name: partners
      when: partner
      allow: { skip: [reputation, greylist, spam] }
    - name: own-domain-from-outside
      group: spoof
      when: { all: ["is_local(from.domain)"], none: [from.verified, "client.ip in lists.our_senders"] }
      reject: { use: unauthenticated }
    - name: dmarc-refuse                 # RFC 9989 §7.4: never on p=reject alone
      group: dmarc
      when:
        all:
          - "dmarc.result == 'fail'"
          - "dmarc.policy == 'reject'"
        any:
          - "spf.result == 'fail'"
          - "dnsbl.score > 0"
          - "rdns.result == 'fail'"
          - settings.dmarc_strict
        none:
          - forwarder
          - mailing_list
      reject: { use: unauthenticated }
    - name: dmarc-hold
      group: dmarc
      when:
        all: ["dmarc.result == 'fail'", "dmarc.policy in ['reject', 'quarantine']"]
        none: [mailing_list]
      quarantine: { class: spoof, reason: "DMARC {from.domain}: {dmarc.why}" }
    - name: dmarc-undecidable
      group: dmarc
      when: "dmarc.result == 'temperror'"
      defer: { code: 451, enhanced: 4.4.3, text: "the DNS of {from.domain} does not answer" }

replies:
  blocklisted:     { code: 554, enhanced: 5.7.1, text: "{client.ip} is on {dnsbl.listed_by}", help: "{dnsbl.lookup_url}" }
  unauthenticated: { code: 550, enhanced: 5.7.26, text: "mail from {from.domain} must be authenticated" }
  malware:         { code: 550, enhanced: 5.7.1, text: "message refused: malware" }

lists:
  partners:     { kind: domain, values: [example.net] }
  list_servers: { kind: domain, values: [.lists.example] }
  our_senders:  { kind: network, values: [192.0.2.0/24] }
  sealers:      { kind: domain, values: [example.net] }
`;
