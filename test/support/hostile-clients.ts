/** Clients that mean no good, one session each: what they say goes over a real socket, what they hear comes back whole. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export interface Target {
  readonly port: number;
  /** Our own address, in 127.0.0.0/8: the network they come from. */
  readonly from: string;
  /** A recipient that is taken. */
  readonly recipient: string;
  readonly signal: AbortSignal;
}

export interface Hostile {
  readonly name: string;
  /** What EHLO must offer for it to mean anything. */
  readonly needs?: 'STARTTLS' | 'CHUNKING';
  /** Ends only when the gateway ends it, or the signal does. */
  readonly patient?: boolean;
  /** One session from its first octet to its end; answers all that was heard. */
  readonly run: (target: Target) => Promise<string>;
}

/** A socket that is written to as fast as it takes it, and read to its end. */
export class Wire {
  readonly socket: Socket;
  readonly closed: Promise<unknown>;
  heard = '';
  #wake: () => void = () => {};

  constructor({ port, from, signal }: Target) {
    this.socket = connect({ port, host: '127.0.0.1', localAddress: from, allowHalfOpen: true, noDelay: true });
    this.closed = new Promise((resolve) => this.socket.once('close', resolve));
    const stop = (): void => void this.socket.destroy();
    signal.addEventListener('abort', stop, { once: true });
    this.socket.on('error', () => {});
    this.socket.on('close', () => {
      signal.removeEventListener('abort', stop);
      this.#wake();
    });
    // A client that hears the end closes too, whatever it had to say.
    this.socket.on('end', () => this.socket.destroy());
    this.socket.on('data', (octets) => {
      if (this.heard.length < HEARD_MAX) this.heard += octets.toString('latin1');
      this.#wake();
    });
  }

  /** False: nobody is there any more. */
  async send(octets: string | Uint8Array): Promise<boolean> {
    if (this.socket.destroyed) return false;
    if (!this.socket.write(octets)) await Promise.race([once(this.socket, 'drain').catch(() => {}), this.closed]);
    return !this.socket.destroyed;
  }

  /** Until this was heard, or the end. */
  async hear(words: RegExp): Promise<boolean> {
    while (!words.test(this.heard)) {
      if (this.socket.destroyed) return false;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return true;
  }

  /** Says it, and waits for what follows. */
  async ask(line: string, words: RegExp): Promise<boolean> {
    this.heard = this.heard.slice(-4096);
    const from = this.heard.length;
    await this.send(`${line}\r\n`);
    while (!words.test(this.heard.slice(from))) {
      if (this.socket.destroyed) return false;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return true;
  }

  async upToRecipient(recipient: string): Promise<boolean> {
    return (
      (await this.hear(/^220 /m)) &&
      (await this.ask('EHLO hostile.example', /^250 /m)) &&
      (await this.ask('MAIL FROM:<a@hostile.example>', /^250 /m)) &&
      (await this.ask(`RCPT TO:<${recipient}>`, /^250 /m))
    );
  }

  async upToData(recipient: string): Promise<boolean> {
    return (await this.upToRecipient(recipient)) && (await this.ask('DATA', /^354 /m));
  }

  async end(): Promise<string> {
    await this.closed;
    return this.heard;
  }
}

const HEARD_MAX = 16 * 1024 * 1024;

export const HOSTILE: readonly Hostile[] = [
  { name: 'silent before it greets', patient: true, run: (target) => new Wire(target).end() },
  {
    name: 'half a command, octet by octet',
    patient: true,
    async run(target) {
      const wire = new Wire(target);
      await wire.hear(/^220 /m);
      return trickle(wire, 'EHLO ');
    },
  },
  {
    name: 'a message, octet by octet',
    patient: true,
    async run(target) {
      const wire = new Wire(target);
      await wire.upToData(target.recipient);
      return trickle(wire, '');
    },
  },
  {
    name: 'a BDAT chunk, octet by octet',
    needs: 'CHUNKING',
    patient: true,
    async run(target) {
      const wire = new Wire(target);
      await wire.upToRecipient(target.recipient);
      return trickle(wire, 'BDAT 1000000\r\n');
    },
  },
  {
    name: 'a chunk that was announced and never comes',
    needs: 'CHUNKING',
    patient: true,
    async run(target) {
      const wire = new Wire(target);
      await wire.upToRecipient(target.recipient);
      await wire.send('BDAT 1000000 LAST\r\n');
      return wire.end();
    },
  },
  {
    name: 'a TLS handshake, octet by octet',
    needs: 'STARTTLS',
    patient: true,
    async run(target) {
      const wire = new Wire(target);
      await wire.hear(/^220 /m);
      await wire.ask('EHLO hostile.example', /^250 /m);
      await wire.ask('STARTTLS', /^220 /m);
      return trickle(wire, '\x16\x03\x01\x02\x00\x01');
    },
  },
  {
    name: 'a line of 60 MB',
    run: (target) => content(target, Buffer.alloc(65_536, 'x'), 60_000_000, 'Subject: x\r\n\r\n'),
  },
  {
    name: '100,000 NOOPs',
    run: (target) => flood(target, ['EHLO hostile.example\r\n'], 'NOOP\r\n', 100_000),
  },
  {
    name: '20,000 refused recipients',
    run: (target) => {
      const domain = target.recipient.split('@')[1];
      const opening = ['EHLO hostile.example\r\n', 'MAIL FROM:<a@hostile.example>\r\n'];
      return flood(target, opening, (n) => `RCPT TO:<nobody${n}@${domain}>\r\n`, 20_000);
    },
  },
  {
    name: 'a million recipients in one session',
    run: (target) => {
      const opening = ['EHLO hostile.example\r\n', 'MAIL FROM:<a@hostile.example>\r\n'];
      return flood(target, opening, `RCPT TO:<${target.recipient}>\r\n`, 1_000_000);
    },
  },
  {
    name: '25 MB of `..` lines',
    run: (target) => content(target, Buffer.from('..\r\n'.repeat(16_384)), 25_000_000, 'Subject: x\r\n\r\n'),
  },
  {
    name: 'a header line of 1 MB',
    run: (target) => content(target, Buffer.alloc(65_536, 'x'), 1_000_000, 'X-Long: '),
  },
  {
    name: 'pipelined garbage',
    async run(target) {
      const wire = new Wire(target);
      const octets = Buffer.from(Array.from({ length: 65_536 }, (_, n) => (n * n * 31 + n * 7) % 256));
      for (let n = 0; n < 16; n++) if (!(await wire.send(octets))) break;
      return wire.end();
    },
  },
  { name: '10,000 chunks of one octet', needs: 'CHUNKING', run: (target) => chunks(target, 'BDAT 1\r\nx', 10_000) },
  {
    name: 'chunks of one octet for ever',
    needs: 'CHUNKING',
    run: (target) => chunks(target, 'BDAT 1\r\nx', 1_000_000),
  },
  { name: 'chunks of nothing for ever', needs: 'CHUNKING', run: (target) => chunks(target, 'BDAT 0\r\n', 1_000_000) },
  {
    name: 'a pipelined group that makes no sense',
    run: (target) => flood(target, [], 'RCPT TO:<>\r\nDATA\r\nBDAT 7 LAST\r\nAUTH PLAIN\r\n.\r\n', 5000),
  },
  {
    name: 'a socket closed half, in a message',
    async run(target) {
      const wire = new Wire(target);
      await wire.upToData(target.recipient);
      await wire.send('Subject: half\r\n');
      wire.socket.end();
      return wire.end();
    },
  },
  {
    name: 'a socket closed half, reading nothing',
    async run(target) {
      const wire = new Wire(target);
      wire.socket.pause();
      await wire.send('EHLO hostile.example\r\nNOOP\r\nNOOP\r\n');
      wire.socket.end();
      await new Promise((resolve) => setTimeout(resolve, 200));
      wire.socket.destroy();
      return '';
    },
  },
  {
    name: 'an abandoned TLS handshake',
    needs: 'STARTTLS',
    async run(target) {
      const wire = new Wire(target);
      await wire.hear(/^220 /m);
      await wire.ask('EHLO hostile.example', /^250 /m);
      await wire.ask('STARTTLS', /^220 /m);
      await wire.send(Buffer.from('1603010200010001fc0303', 'hex'));
      wire.socket.destroy();
      return wire.end();
    },
  },
  {
    name: 'a flood of handshakes that fail',
    needs: 'STARTTLS',
    async run(target) {
      let heard = '';
      const one = async (): Promise<void> => {
        for (let n = 0; n < 25 && !target.signal.aborted; n++) {
          const wire = new Wire(target);
          await wire.hear(/^\d{3} /m);
          await wire.send('EHLO hostile.example\r\nSTARTTLS\r\n');
          await wire.hear(/^(?:220 2\.|421 )/m);
          await wire.send('GET / HTTP/1.1\r\n\r\n');
          heard += await wire.end();
        }
      };
      await Promise.all(Array.from({ length: 20 }, one));
      return heard;
    },
  },
  {
    name: 'STARTTLS with plaintext behind it',
    needs: 'STARTTLS',
    async run(target) {
      const wire = new Wire(target);
      await wire.hear(/^220 /m);
      await wire.ask('EHLO hostile.example', /^250 /m);
      await wire.send(`STARTTLS\r\nMAIL FROM:<injected@hostile.example>\r\nRCPT TO:<${target.recipient}>\r\n`);
      await wire.hear(/ TLS/);
      await new Promise((resolve) => setTimeout(resolve, 200));
      wire.socket.destroy();
      return wire.end();
    },
  },
  { name: 'TLS renegotiation', needs: 'STARTTLS', run: renegotiate },
  {
    name: 'a flood of connections from one /24',
    async run(target) {
      const wires = Array.from({ length: 200 }, (_, n) => new Wire({ ...target, from: neighbour(target.from, n) }));
      await Promise.all(wires.map((wire) => Promise.race([wire.hear(/^\d{3} .*\r\n/m), wire.closed])));
      for (const wire of wires) wire.socket.destroy();
      return (await Promise.all(wires.map((wire) => wire.end()))).join('');
    },
  },
];

/** Another address of the same /24. */
const neighbour = (address: string, n: number): string => address.replace(/\d+$/, String(1 + (n % 250)));

async function trickle(wire: Wire, opening: string): Promise<string> {
  await wire.send(Buffer.from(opening, 'latin1'));
  while (await wire.send('x')) await Promise.race([wire.closed, new Promise((resolve) => setTimeout(resolve, 500))]);
  return wire.end();
}

/** `opening`, then the same thing over and over, as fast as it is taken; reads meanwhile. */
async function flood(
  target: Target,
  opening: readonly string[],
  line: string | ((n: number) => string),
  times: number,
): Promise<string> {
  const wire = new Wire(target);
  await wire.hear(/^220 /m);
  for (const one of opening) await wire.send(one);
  for (let n = 0; n < times; n += 1000) {
    const piece = Array.from({ length: 1000 }, (_, m) => (typeof line === 'string' ? line : line(n + m)));
    if (!(await wire.send(piece.join('')))) return wire.end();
  }
  await wire.send('QUIT\r\n');
  return wire.end();
}

async function chunks(target: Target, chunk: string, times: number): Promise<string> {
  const wire = new Wire(target);
  if (!(await wire.upToRecipient(target.recipient))) return wire.end();
  await wire.send('BDAT 14\r\nSubject: x\r\n\r\n');
  for (let n = 0; n < times; n += 1000) if (!(await wire.send(chunk.repeat(1000)))) return wire.end();
  await wire.send('BDAT 0 LAST\r\nQUIT\r\n');
  return wire.end();
}

async function content(target: Target, piece: Buffer, octets: number, opening = ''): Promise<string> {
  const wire = new Wire(target);
  if (!(await wire.upToData(target.recipient))) return wire.end();
  await wire.send(opening);
  for (let sent = 0; sent < octets; sent += piece.length) if (!(await wire.send(piece))) return wire.end();
  await wire.send('\r\n.\r\nQUIT\r\n');
  return wire.end();
}

/** TLS 1.2 and "R", which asks for a new handshake within the old one (RFC 5746); OpenSSL's own client does it. */
async function renegotiate({ port, signal }: Target): Promise<string> {
  const child = spawn('openssl', ['s_client', '-starttls', 'smtp', '-tls1_2', '-connect', `127.0.0.1:${port}`], {
    signal,
    stdio: 'pipe',
  });
  let heard = '';
  child.on('error', () => {});
  child.stdin.on('error', () => {});
  child.stdout.on('data', (octets) => {
    heard += String(octets);
  });
  child.stderr.on('data', (octets) => {
    heard += String(octets);
  });
  const ended = once(child, 'close').catch(() => {});
  for (let n = 0; n < 5; n++) {
    child.stdin.write('R\n');
    await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 100))]);
  }
  child.stdin.end('QUIT\n');
  const late = setTimeout(() => child.kill(), 5000);
  await ended;
  clearTimeout(late);
  return heard;
}
