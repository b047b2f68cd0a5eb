import { z } from 'zod';

/** Kubernetes' rule for names of objects; safe as a file's name, too. */
export const objectName = z
  .string()
  .max(253, 'must be at most 253 characters')
  .regex(
    /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/,
    'must consist of lower case letters, digits, dashes and dots, and begin and end with a letter or digit',
  );
