import * as z from 'zod';

/** One option: by environment variable, by flag, or by its default. */
export interface Option<Schema extends z.ZodType> {
  readonly env: string;
  readonly flag: string;
  readonly schema: Schema;
  readonly default: string | ((env: Environment) => string);
  /** Of bytes: the default is no more than this part of the memory that there is. */
  readonly memoryShare?: number;
  /** That memory is one process's, and not all of them have it together. */
  readonly isEach?: boolean;
  /** What it is, with its unit. */
  readonly description: string;
  readonly secret?: boolean;
}

export type Environment = Readonly<Record<string, string | undefined>>;

export const option = <Schema extends z.ZodType>(definition: Option<Schema>): Option<Schema> =>
  definition;

export const wholeNumber = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d+$/, `expects a whole number from ${min} to ${max}`)
    .transform(Number)
    .refine(
      (value) => value >= min && value <= max,
      `expects a whole number from ${min} to ${max}`,
    );

export const oneOf = <const Values extends readonly [string, ...string[]]>(values: Values) =>
  z.enum(values, { error: `expects one of ${values.join(', ')}` });

export const fileOrNone = z.string().regex(/^$|^\//, 'expects an absolute path');
