/** What we use of pg 8.23, which brings no types. */
declare module 'pg' {
  import type { EventEmitter } from 'node:events';
  import type { Socket } from 'node:net';
  import type { ConnectionOptions } from 'node:tls';

  export class Connection extends EventEmitter {
    constructor(config: { readonly ssl: ConnectionOptions | false; readonly stream: Socket });
    stream: Socket;
    attachListeners(stream: Socket): void;
  }

  export interface ClientConfig {
    readonly host: string;
    readonly port: number;
    readonly user: string;
    readonly database: string;
    /** Asked for where the server wants one. */
    readonly password: () => string;
    readonly ssl: ConnectionOptions | false;
    readonly connection: Connection;
    readonly application_name: string;
    /** Milliseconds. */
    readonly statement_timeout: number;
    readonly options: string;
    readonly client_encoding: string;
  }

  export interface ArrayResult {
    readonly rows: readonly (readonly (string | null)[])[];
    readonly fields: readonly { readonly dataTypeID: number }[];
  }

  export class Client extends EventEmitter {
    constructor(config: ClientConfig);
    connect(): Promise<unknown>;
    query(query: {
      readonly text: string;
      readonly values: readonly string[];
      readonly rowMode: 'array';
      readonly types: { getTypeParser(): (value: string) => string };
    }): Promise<ArrayResult>;
    end(): Promise<void>;
  }
}
