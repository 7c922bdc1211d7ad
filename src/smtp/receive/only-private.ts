/** Notices that a listener for strangers never sees one: a balancer or NAT in front hides who they are. */
import { type IpAddress, isPrivate } from '../../mail/ip.ts';
import { type Millis, minutes } from '../../mail/time.ts';

/** So many connections without one public address are no accident, where strangers knock every minute. */
const CONNECTIONS = 100;
/** A test of an installation opens a hundred in a second. */
const SPAN = minutes(10);

export class OnlyPrivate {
  #seen = 0;
  #since: Millis | undefined;
  #over = false;

  /** True once, when it is time to say so. */
  saw(ip: IpAddress, now: Millis): boolean {
    if (this.#over) return false;
    if (!isPrivate(ip)) {
      this.#over = true;
      return false;
    }
    this.#since ??= now;
    this.#seen++;
    this.#over = this.#seen >= CONNECTIONS && now - this.#since >= SPAN;
    return this.#over;
  }
}
