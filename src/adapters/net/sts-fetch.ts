/** Fetches policies of MTA-STS over HTTPS as RFC 8461 §3.3 wants it: verified, no redirect, little, soon. */
import { get } from 'node:https';
import type { LookupFunction } from 'node:net';
import type { Resolver } from '../../ports/resolver.ts';
import type { FetchSts, StsFetched } from '../../ports/sts.ts';

/** RFC 8461 §3.3 suggests as much. */
const OCTETS_MAX = 64 * 1024;
const HTTPS_PORT = 443;

/** Names are asked of `resolver`. `port` is a test's. */
export const stsFetcher =
  (resolver: Resolver, port = HTTPS_PORT): FetchSts =>
  (domain, signal) =>
    new Promise((resolve) => {
      const end = (came: StsFetched) => {
        resolve(came);
        request.destroy();
      };
      const failed = (why: string) => end({ kind: 'failed', why });
      const host = `mta-sts.${domain}`;
      const request = get(
        {
          ...{ host, port, path: '/.well-known/mta-sts.txt', servername: host, agent: false, signal },
          ...{ minVersion: 'TLSv1.2' as const, lookup: lookupBy(resolver, signal) },
        },
        (response) => {
          const type = response.headers['content-type'] ?? '';
          if (response.statusCode !== 200) return failed(`it answers ${response.statusCode}`);
          if (!/^text\/plain\s*(?:;|$)/i.test(type)) return failed('its media type is not text/plain');
          const chunks: Buffer[] = [];
          let size = 0;
          response.on('data', (chunk: Buffer) => {
            size += chunk.length;
            if (size > OCTETS_MAX) failed(`it holds more than ${OCTETS_MAX} octets`);
            else chunks.push(chunk);
          });
          response.on('end', () => end({ kind: 'text', text: Buffer.concat(chunks).toString('utf8') }));
          response.on('error', (error) => failed(error.message));
        },
      );
      request.on('error', (error) => failed(signal.aborted ? 'no answer in time' : error.message));
    });

function lookupBy(resolver: Resolver, signal: AbortSignal): LookupFunction {
  return (name, _options, done) => {
    const ask = async () => {
      const answers = await Promise.all([resolver.resolve(name, 'A', signal), resolver.resolve(name, 'AAAA', signal)]);
      return answers.flatMap((answer) =>
        answer.kind === 'found'
          ? answer.records.flatMap((record) =>
              record.type === 'A' || record.type === 'AAAA'
                ? [{ address: record.address, family: record.type === 'A' ? 4 : 6 }]
                : [],
            )
          : [],
      );
    };
    void ask().then((found) => {
      if (found.length === 0) done(new Error(`${name} has no address`), []);
      else done(null, found);
    });
  };
}
