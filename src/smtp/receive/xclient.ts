/** XCLIENT: a trusted upstream says whom it speaks for (Postfix's XCLIENT_README). */
import { parseIp } from '../../mail/ip.ts';
import { decodeXtext } from './parameters.ts';
import type { ClientInfo } from './session.ts';

/** Offered to trusted upstreams in EHLO. */
export const XCLIENT_ATTRIBUTES = 'NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT';

export type Xclient =
  | { readonly kind: 'ok'; readonly client: ClientInfo; readonly login: string }
  | { readonly kind: 'bad'; readonly why: string };

/** The client the attributes describe; what they leave out stays as it was. */
export function readXclient(argument: string, before: ClientInfo): Xclient {
  const words = argument.split(' ').filter((word) => word !== '');
  if (words.length === 0) return bad('write XCLIENT attribute=value');
  let client = before;
  let login = '';
  const given = new Set(words.map((word) => word.slice(0, word.indexOf('=')).toUpperCase()));
  if (given.size < words.length) return bad('an attribute stands once');
  for (const word of words) {
    const equals = word.indexOf('=');
    const name = word.slice(0, equals).toUpperCase();
    const value = equals < 1 ? undefined : decodeXtext(word.slice(equals + 1));
    if (value === undefined) return bad('attributes are written NAME=value in xtext');
    const known = !/^\[(?:UNAVAILABLE|TEMPUNAVAIL)\]$/i.test(value);
    switch (name) {
      case 'NAME':
        if (known && !/^[A-Za-z0-9_.-]{1,253}$/.test(value)) return bad('NAME is a host name');
        client = { ...client, name: known ? value.toLowerCase().replace(/\.$/, '') : '' };
        break;
      case 'ADDR':
      case 'DESTADDR': {
        const ip = known ? parseIp(value.replace(/^IPV6:/i, ''))?.text : '';
        if (ip === undefined) return bad(`${name} is an IP address`);
        // A client without address cannot be judged: the one before stays, and what it is trusted with does not.
        if (ip === '') client = name === 'ADDR' ? { ...client, unnamed: true } : client;
        else if (name === 'DESTADDR') client = { ...client, serverIp: ip };
        // A new client does not inherit the name and the port of the one before, in whatever order attributes stand.
        else
          client = {
            ...withAddress(client),
            ip,
            name: given.has('NAME') ? client.name : '',
            port: given.has('PORT') ? client.port : 0,
          };
        break;
      }
      case 'PORT':
      case 'DESTPORT': {
        const port = known ? Number(value) : 0;
        if (known && (!/^\d{1,5}$/.test(value) || port > 65_535)) return bad(`${name} is a port`);
        client = name === 'PORT' ? { ...client, port } : { ...client, serverPort: port };
        break;
      }
      case 'LOGIN':
        login = known ? value : '';
        break;
      // The client says EHLO anew after the greeting, and that is the name and the protocol that count.
      case 'HELO':
      case 'PROTO':
        break;
      default:
        return bad(`unknown attribute, known are ${XCLIENT_ATTRIBUTES}`);
    }
  }
  return { kind: 'ok', client, login };
}

function withAddress({ unnamed: _, ...client }: ClientInfo): ClientInfo {
  return client;
}

const bad = (why: string): Xclient => ({ kind: 'bad', why });
