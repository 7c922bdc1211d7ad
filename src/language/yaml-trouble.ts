/** What YAML says when it trips over an expression, in words that tell the operator what to write. */
import { type Document, Scalar, visit, type YAMLError } from 'yaml';

export interface YamlTrouble {
  readonly message: string;
  readonly remedy: string;
  /** What follows cannot be trusted: nothing more is read from this file. */
  readonly broken: boolean;
}

const QUOTE = 'put the expression in double quotes or after `>-`';

export function sayYamlError(error: YAMLError, text: string): YamlTrouble {
  const written = text.slice(error.pos[0], error.pos[1]).split('\n')[0] ?? '';
  const broken = (message: string, remedy: string): YamlTrouble => ({ message, remedy, broken: true });
  switch (error.code) {
    case 'DUPLICATE_KEY':
      return { message: `${keyAt(text, error.pos[0])} stands here a second time`, remedy: ONE_OF_THEM, broken: false };
    case 'TAG_RESOLVE_FAILED':
      // `when: !(x in y)` is read as the tag `!(x` and the text `in y)`.
      return { message: `YAML takes "${written}" for a tag and drops it`, remedy: QUOTE, broken: false };
    case 'UNEXPECTED_TOKEN':
    case 'BAD_SCALAR_START':
      return broken(`YAML cannot read on here: ${lower(error.message)}`, QUOTE);
    case 'BLOCK_AS_IMPLICIT_KEY':
    case 'MULTILINE_IMPLICIT_KEY':
      // `when: a ? b : c` is read as a map within a map.
      return broken(
        'YAML takes the ": " in this line for a second key',
        `${QUOTE}, or begin the map on a line of its own`,
      );
    case 'TAB_AS_INDENT':
      return broken('the line is indented with a tab', 'indent with spaces');
    case 'BAD_INDENT':
      return broken(
        lower(error.message),
        'give the keys of one map the same indentation, and close every { [ and quote',
      );
    case 'MISSING_CHAR':
      return broken(lower(error.message), 'close every { [ and quote; a text with quotes in it stands best after `>-`');
    case 'MULTIPLE_DOCS':
      return broken('a second YAML document begins here', 'one file, one document: remove the line `---`');
    case 'BAD_DIRECTIVE':
      return broken('YAML takes this line for a directive', 'put a text that begins with % in double quotes');
    case 'BAD_DQ_ESCAPE':
      return broken(
        `"${text.slice(error.pos[0], error.pos[0] + 2)}" means nothing within double quotes`,
        'write \\\\ for a backslash, or use single quotes',
      );
    case 'RESOURCE_EXHAUSTION':
      return broken('this is nested too deeply to read', 'make it flatter');
    default:
      return broken(lower(error.message), QUOTE);
  }
}

const ONE_OF_THEM = 'keep one of them';

/** A text with a tag that YAML does not know is what the operator wrote, tag and all: so it can still be checked. */
export function restoreTagged(document: Document, text: string): void {
  for (const warning of document.warnings) {
    if (warning.code !== 'TAG_RESOLVE_FAILED') continue;
    visit(document, {
      Scalar: (_key, node) => {
        const between = node.range ? text.slice(warning.pos[1], node.range[0]) : '';
        if (node.type !== Scalar.PLAIN || !node.range || node.range[0] < warning.pos[1] || between.trim() !== '')
          return;
        node.value = text.slice(warning.pos[0], node.range[1]);
        return visit.BREAK;
      },
    });
  }
}

const lower = (message: string): string => message.charAt(0).toLowerCase() + message.slice(1);
const keyAt = (text: string, offset: number): string => /^[^:\n]{0,80}/.exec(text.slice(offset))?.[0]?.trim() ?? '';
