/** A DNS server on loopback that says what a test tells it to, by UDP and TCP on one port. */
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { decode, encode } from 'dns-packet';

export interface Asked {
  readonly name: string;
  readonly type: string;
  readonly by: 'udp' | 'tcp';
  /** The client's port. */
  readonly port: number;
  readonly octets: Buffer;
}

/** Parts of a message, raw octets, several of these to be sent one after the other, or nothing: silence. */
export type Answered = object | Buffer | readonly (object | Buffer)[] | undefined;

export interface ScriptedDns {
  readonly server: string;
  readonly port: number;
  readonly asked: Asked[];
  close(): Promise<void>;
}

/** `rcode` may stand in the parts as a word; the question and id are repeated unless the parts say otherwise. */
export async function scriptedDns(script: (asked: Asked) => Answered): Promise<ScriptedDns> {
  const asked: Asked[] = [];
  const respond = (octets: Buffer, by: 'udp' | 'tcp', port: number, send: (message: Buffer) => void) => {
    const { questions } = decode(octets);
    const one: Asked = { name: questions[0]!.name, type: questions[0]!.type, by, port, octets };
    asked.push(one);
    const answered = script(one);
    const all = answered === undefined ? [] : Array.isArray(answered) ? answered : [answered];
    for (const each of all) send(Buffer.isBuffer(each) ? each : message(octets, each));
  };
  const tcp = createServer((socket: Socket) => {
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk: Buffer) =>
      respond(chunk.subarray(2), 'tcp', socket.remotePort ?? 0, (octets) => {
        const framed = Buffer.alloc(2 + octets.length);
        framed.writeUInt16BE(octets.length, 0);
        octets.copy(framed, 2);
        // In two pieces, so that the client has to wait for the second.
        socket.write(framed.subarray(0, 1), () => socket.write(framed.subarray(1)));
      }),
    );
  });
  const udp = createSocket('udp4');
  udp.on('message', (octets, from) =>
    respond(octets, 'udp', from.port, (answer) => udp.send(answer, from.port, from.address)),
  );
  const port = await onePort(tcp, udp);
  return {
    server: `127.0.0.1:${port}`,
    port,
    asked,
    close: async () => {
      udp.close();
      tcp.close();
      await once(tcp, 'close');
    },
  };
}

/** The system gives TCP a port; whether it is still free when listened on, and UDP may have it too, shows only then. */
async function onePort(tcp: Server, udp: UdpSocket): Promise<number> {
  for (;;) {
    if (await isTaken(tcp, () => tcp.listen(0, '127.0.0.1'))) continue;
    const { port } = tcp.address() as AddressInfo;
    if (!(await isTaken(udp, () => udp.bind(port, '127.0.0.1')))) return port;
    tcp.close();
    await once(tcp, 'close');
  }
}

async function isTaken(socket: Server | UdpSocket, open: () => void): Promise<boolean> {
  const opened = once(socket, 'listening'); // rejects when an error comes first
  open();
  try {
    await opened;
    return false;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    return true;
  }
}

const RCODES: { readonly [word: string]: number } = {
  NOERROR: 0,
  FORMERR: 1,
  SERVFAIL: 2,
  NXDOMAIN: 3,
  NOTIMP: 4,
  REFUSED: 5,
};

/** A response to `query`, with recursion available. */
export function message(query: Buffer, parts: object): Buffer {
  const { id, questions } = decode(query);
  const { rcode, flags, ...rest } = { rcode: 'NOERROR', flags: 0, ...parts };
  return encode({ type: 'response', id, questions, flags: 0x0180 | flags | RCODES[rcode]!, ...rest });
}
