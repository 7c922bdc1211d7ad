/** An authority of certificates made on the spot, which a process trusts that is told to, and what it signs for daemons. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Issued {
  readonly certificate: string;
  readonly key: string;
}

const CONFIG = `[ca]
default_ca = tests
[tests]
database = index
new_certs_dir = .
rand_serial = yes
unique_subject = no
default_md = sha256
default_days = 2
policy = any
copy_extensions = copy
[any]
commonName = supplied
[req]
distinguished_name = none
[none]
`;

export class Authority {
  readonly #folder = mkdtempSync(join(tmpdir(), 'postern-authority-'));
  /** Its certificate, for NODE_EXTRA_CA_CERTS. */
  readonly file = join(this.#folder, 'authority.pem');

  constructor() {
    writeFileSync(join(this.#folder, 'ca.cnf'), CONFIG);
    writeFileSync(join(this.#folder, 'index'), '');
    this.#request('authority', 'basicConstraints=critical,CA:true');
    this.#sign('authority', '-selfsign', '-keyfile', 'authority.key');
  }

  /** A certificate for these names; one that has expired was good for a year, long ago. */
  issue(names: readonly string[], time: 'valid' | 'expired' = 'valid'): Issued {
    const [name] = names;
    const file = `${name}-${time}`;
    this.#request(file, `subjectAltName=${names.map((one) => `DNS:${one}`).join(',')}`);
    const then = time === 'expired' ? ['-startdate', '20200101000000Z', '-enddate', '20210101000000Z'] : [];
    this.#sign(file, '-cert', 'authority.pem', '-keyfile', 'authority.key', ...then);
    return { certificate: join(this.#folder, `${file}.pem`), key: join(this.#folder, `${file}.key`) };
  }

  close(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #request(name: string, extension: string): void {
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-noenc', '-keyout', `${name}.key`];
    this.#openssl('req', '-new', ...key, '-subj', `/CN=${name}`, '-addext', extension, '-out', `${name}.csr`);
  }

  #sign(name: string, ...how: readonly string[]): void {
    this.#openssl('ca', '-batch', '-notext', '-in', `${name}.csr`, '-out', `${name}.pem`, ...how);
  }

  #openssl(command: 'req' | 'ca', ...args: readonly string[]): void {
    execFileSync('openssl', [command, '-config', 'ca.cnf', ...args], { cwd: this.#folder, stdio: 'pipe' });
  }
}
