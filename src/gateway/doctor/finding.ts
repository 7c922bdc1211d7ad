/** What the doctor found: what was seen, and what to do about it. */

export interface Finding {
  readonly topic: string;
  /** `info`: neither well nor ill, or not to be told from here. */
  readonly level: 'ok' | 'info' | 'warning' | 'problem';
  readonly saw: string;
  /** '' where nothing is to be done. */
  readonly remedy: string;
}

export const ok = (topic: string, saw: string): Finding => ({ topic, level: 'ok', saw, remedy: '' });
export const info = (topic: string, saw: string, remedy = ''): Finding => ({ topic, level: 'info', saw, remedy });
export const warning = (topic: string, saw: string, remedy: string): Finding => ({
  topic,
  level: 'warning',
  saw,
  remedy,
});
export const problem = (topic: string, saw: string, remedy: string): Finding => ({
  topic,
  level: 'problem',
  saw,
  remedy,
});
