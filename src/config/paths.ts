/** Paths as `postern.yaml` writes them: relative ones start at the file's own folder. */

/** `/etc/postern` and `../var` make `/etc/var`; an absolute path stays what it is. */
export function resolvePath(folder: string, path: string): string {
  const parts: string[] = [];
  for (const part of (path.startsWith('/') ? path : `${folder}/${path}`).split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return `/${parts.join('/')}`;
}

export const folderOf = (file: string): string => file.slice(0, Math.max(1, file.lastIndexOf('/')));

/** The path as seen from the folder, for places that must not depend on where an installation lies. */
export function relativeTo(folder: string, file: string): string {
  const prefix = folder === '/' ? '/' : `${folder}/`;
  return file.startsWith(prefix) ? file.slice(prefix.length) : file;
}
