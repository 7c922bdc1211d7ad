/** What a client hears (RFC 5321 §4.2): the session's words or refusals of the wire itself, and how much is borne of it before the last one. */
import type { Reply } from '../../mail/reply.ts';
import type { ReceiveLimits } from './limits.ts';
import type { Line } from './line.ts';
import { WIRE_REFUSALS, type WireReason } from './refusals.ts';
import type { Session, Spoken, WireRefusal } from './session.ts';
import { wireRefusal } from './wire-refusal.ts';

export class Answers {
  /** Decides, and puts on record what the wire refuses; another one after XCLIENT. */
  session: Session;
  readonly #line: Line;
  readonly #limits: ReceiveLimits;
  /** What of the client's words may go on record. */
  readonly #shown: (said: string) => string;
  #commands = 0;
  #errors = 0;
  /** Since the last message: commands that carry none, and greetings among all. */
  #idle = 0;
  #greetings = 0;
  #refusedRecipients = 0;

  constructor(line: Line, session: Session, limits: ReceiveLimits, shown: (said: string) => string) {
    this.#line = line;
    this.session = session;
    this.#limits = limits;
    this.#shown = shown;
  }

  /** Awaits the session. */
  ask<T>(answer: Promise<T>): Promise<T> {
    return this.#line.ask(this.#limits.decision, answer);
  }

  speak(spoken: Spoken): void {
    this.#line.say(spoken.reply, spoken.heard);
    if (spoken.close) this.#line.end();
  }

  /** To a recipient. */
  speakOfRecipient(spoken: Spoken): void {
    this.speak(spoken);
    if (spoken.reply.code >= 500 && ++this.#refusedRecipients >= this.#limits.refusedRecipients)
      this.refuse('too-many-refused', 'other', '');
  }

  /** To what brings no message nearer. */
  idly(reply: Reply): void {
    if (++this.#idle > this.#limits.idleCommands) this.refuse('too-many-commands', 'other', '');
    else this.#line.say(reply);
  }

  /** Refuses by the wire's own rules; the session puts it on record. */
  refuse(reason: WireReason, command: WireRefusal['command'], said: string, text?: string, close = false): void {
    this.speak(this.refusal(reason, command, said, text, close));
    // What ends the connection is its last word, and the session is closed with it.
    if (!WIRE_REFUSALS[reason].close && !close) this.erred();
  }

  /** On record, and not said yet. */
  refusal(reason: WireReason, command: WireRefusal['command'], said: string, text?: string, close = false): Spoken {
    const refused = wireRefusal(reason, command, this.#shown(said).slice(0, SAID_MAX), text);
    return this.session.refused({ ...refused, close: close || refused.close });
  }

  erred(): void {
    if (++this.#errors >= this.#limits.errors) this.refuse('too-many-errors', 'other', '');
  }

  /** False: one command too many, and it was refused. */
  takesCommand(): boolean {
    if (++this.#commands <= this.#limits.commands) return true;
    this.refuse('too-many-in-all', 'other', '');
    return false;
  }

  /** False: one greeting too many, and it was refused. */
  takesGreeting(verb: 'EHLO' | 'HELO'): boolean {
    if (++this.#greetings <= this.#limits.greetings) return true;
    this.refuse('too-many-commands', verb, '');
    return false;
  }

  /** A message came, or somebody who is known: what was idle till then is forgotten. */
  gotSomewhere(): void {
    this.#idle = 0;
    this.#greetings = 0;
  }

  /** Another client is spoken for, who has greeted nobody yet. */
  anew(session: Session): void {
    this.session = session;
    this.#greetings = 0;
  }
}

/** Of what a client wrote, the record keeps this much. */
const SAID_MAX = 512;
