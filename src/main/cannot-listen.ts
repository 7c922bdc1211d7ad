/** A listener that could not be opened: known by its name and the system's word for why. */
export class CannotListen extends Error {
  readonly listener: string;
  readonly address: string;
  /** `EADDRINUSE`, `EACCES`, … */
  readonly code: string;

  constructor({ listener, address, code }: Pick<CannotListen, 'listener' | 'address' | 'code'>) {
    super(`Cannot open the listener "${listener}" as ${address} must be free for us: ${code}`);
    this.listener = listener;
    this.address = address;
    this.code = code;
  }
}
