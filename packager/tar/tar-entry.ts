import type { Readable } from 'node:stream';

export interface FileEntry {
  readonly type: 'file';
  /** Relative to the image's root, with `/`, no `.` or `..` in it. */
  readonly path: string;
  /** Permission bits; normalised to 0o755 where anyone may execute it, else 0o644. */
  readonly mode: number;
  readonly sizeBytes: number;
  /**
   * Changes whenever the content does (`fileIdentity`, a digest). A layer of such entries is hashed only
   * once.
   */
  readonly identity?: string | undefined;
  open(fromByte?: number): Readable;
}

export interface DirectoryEntry {
  readonly type: 'directory';
  readonly path: string;
  /** 0o755 unless said otherwise (0o1777 for /tmp). */
  readonly mode?: number;
}

export interface SymlinkEntry {
  readonly type: 'symlink';
  readonly path: string;
  readonly target: string;
}

/** What a layer puts at one path. Folders above a path need not be named: a layer makes them. */
export type TarEntry = FileEntry | DirectoryEntry | SymlinkEntry;
