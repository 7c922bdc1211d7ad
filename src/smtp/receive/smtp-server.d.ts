/** The part of smtp-server's classes that the receiver stands on; `test/smtp/receive/base.test.ts` holds it against the package. */

declare module 'smtp-server/lib/smtp-stream.js' {
  import { Writable, type WritableOptions } from 'node:stream';

  export class SMTPStream extends Writable {
    /** The connection ended: what still comes is dropped. */
    isClosed: boolean;
    constructor(options?: WritableOptions);
    /** Called on 'finish': the peer half-closed, and everything before that was processed. */
    _flushData(): void;
  }
}

declare module 'smtp-server/lib/smtp-connection.js' {
  import type { EventEmitter } from 'node:events';
  import type { Socket } from 'node:net';
  import type { TLSSocket } from 'node:tls';
  import type { SMTPServer } from 'smtp-server';
  import type { SMTPStream } from 'smtp-server/lib/smtp-stream.js';

  export class SMTPConnection extends EventEmitter {
    _socket: Socket | TLSSocket;
    _parser: SMTPStream | false;
    /** TLS is being negotiated: nothing can be said. */
    _upgrading: boolean;
    constructor(server: SMTPServer, socket: Socket, options?: { readonly id?: string });
    init(): void;
    /** Ends the socket, stops parsing, destroys the socket when the peer keeps its side open for five seconds. */
    close(): void;
    _createParser(): SMTPStream;
    _setListeners(ready: () => void): void;
    _armTimeout(socket?: Socket): void;
    _onClose(): void;
    _onError(error: Error): void;
    send(code: number, text?: string | string[]): void;
  }
}

declare module 'smtp-server' {
  import { EventEmitter } from 'node:events';
  import type { Server, Socket } from 'node:net';
  import type { SMTPConnection } from 'smtp-server/lib/smtp-connection.js';

  export class SMTPServer extends EventEmitter {
    readonly server: Server;
    readonly connections: Set<SMTPConnection>;
    constructor(options: { readonly [name: string]: unknown });
    connect(socket: Socket, options: { readonly id: string }): void;
    _handleProxy(socket: Socket, done: (error: Error | null, options?: { readonly id: string }) => void): void;
    _onError(error: Error): void;
  }
}
