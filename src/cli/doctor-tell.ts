/** What the doctor found as a person reads it: by group, what is wrong first within a topic, nothing longer than a page needs. */
import type { Found } from '../gateway/doctor/examine.ts';
import { terminal } from '../record/terminal.ts';
import { count } from './sound.ts';

/** Of one topic and level; --json has the rest. */
const ALIKE_MAX = 5;
const WIDTH = 80;
const LEVELS: readonly Found['level'][] = ['problem', 'warning', 'info', 'ok'];
const SHOWN: { readonly [level in Found['level']]: string } = {
  problem: 'PROBLEM',
  warning: 'warning',
  info: 'info',
  ok: 'ok',
};

export function tellFound(findings: readonly Found[]): string {
  const groups = [...new Set(findings.map(({ group }) => group))];
  const topicWidth = Math.max(0, ...findings.map(({ topic }) => topic.length));
  const lines = groups.flatMap((group) => [
    group,
    ...topics(findings.filter((one) => one.group === group)).flatMap((one) => tellOne(one, topicWidth)),
  ]);
  const n = (level: Found['level']) => findings.filter((one) => one.level === level).length;
  return terminal([...lines, `${count(n('problem'), 'problem')}, ${count(n('warning'), 'warning')}`]);
}

/** In the order in which topics came, each with what is worst first; of many alike a few. */
function topics(findings: readonly Found[]): readonly Found[] {
  const names = [...new Set(findings.map(({ topic }) => topic))];
  return names.flatMap((topic) =>
    LEVELS.flatMap((level) => {
      const alike = findings.filter((one) => one.topic === topic && one.level === level);
      const [first] = alike;
      if (first === undefined || alike.length <= ALIKE_MAX) return alike;
      const more = { ...first, saw: `and ${alike.length - ALIKE_MAX} more: see --json`, remedy: '' };
      return [...alike.slice(0, ALIKE_MAX), more];
    }),
  );
}

function tellOne({ level, topic, saw, remedy }: Found, topicWidth: number): readonly string[] {
  const head = `  ${SHOWN[level].padEnd(7)}  ${topic.padEnd(topicWidth)}  `;
  return hanging(head, saw).concat(remedy === '' ? [] : hanging(`${' '.repeat(head.length - 3)}-> `, remedy));
}

/** Cut between words, later lines under the first; a word that is longer than a line stays whole. */
function hanging(head: string, text: string): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && head.length + line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line].map((one, at) => (at === 0 ? head : ' '.repeat(head.length)) + one);
}
