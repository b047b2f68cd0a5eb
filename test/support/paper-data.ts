/**
 * Folder with the data files of the published INFless artifact, which are not ours to copy; undefined where
 * not given.
 */
export const paperData: string | undefined = process.env.INFLESS_PAPER_DATA || undefined;

export const NO_PAPER_DATA = 'set INFLESS_PAPER_DATA to a folder with the INFless artifact’s data files';
