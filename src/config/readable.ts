import { z } from "zod";

/** Thrown by a piece of a file with a wrong form when it is read. */
class Unreadable extends Error {}

/** The readable pieces of a value. Each other piece throws when a check reads it (`ifReadable`). @throws Unreadable */
export function readable<T>(form: z.ZodType<T>, value: unknown): T {
  return pieceOf(form, value)() as T;
}

/** The problems that a check finds; none if it reads a piece with a wrong form. */
export function ifReadable<T>(check: () => readonly T[]): readonly T[] {
  try {
    return check();
  } catch (error) {
    if (error instanceof Unreadable) return [];
    throw error;
  }
}

/** What a check finds in each item of a list. */
export function inEach<T, F>(items: readonly T[], check: (item: T, index: number) => readonly F[]): readonly F[] {
  return [...items.keys()].flatMap((index) => ifReadable(() => check(items[index] as T, index)));
}

/** What a check finds in each entry of a block. */
export function inEachEntry<T, F>(
  block: Readonly<Record<string, T>>,
  check: (name: string, entry: T) => readonly F[],
): readonly F[] {
  return Object.keys(block).flatMap((name) => ifReadable(() => check(name, block[name] as T)));
}

type Piece = () => unknown;

function pieceOf(form: z.core.$ZodType, value: unknown): Piece {
  const read = z.safeParse(form, value);
  if (read.success) return () => read.data;
  if (form instanceof z.ZodOptional || form instanceof z.ZodDefault || form instanceof z.ZodPrefault) {
    return pieceOf(form.def.innerType, value);
  }
  if (form instanceof z.ZodPipe && form.def.in instanceof z.ZodTransform) {
    return pieceOf(form.def.out, form.def.in.parse(value));
  }
  // A list with a mistake of its own, for example an empty one, has no item to check.
  const isWrongList = Array.isArray(value) && read.error.issues.some(({ path }) => path.length === 0);
  const pieces = isWrongList ? null : piecesOf(form, value);
  if (pieces) return () => withPieces(Array.isArray(value) ? [] : {}, pieces);
  return () => {
    throw new Unreadable();
  };
}

function piecesOf(form: z.core.$ZodType, value: unknown): readonly (readonly [string, Piece])[] | null {
  if (typeof value !== "object" || value === null) return null;
  const written = new Map(Object.entries(value));
  const each = (formOf: (key: string) => z.core.$ZodType, keys: Iterable<string>) =>
    [...keys].map((key) => [key, pieceOf(formOf(key), written.get(key))] as const);
  if (Array.isArray(value)) return form instanceof z.ZodArray ? each(() => form.def.element, written.keys()) : null;
  if (form instanceof z.ZodRecord) return each(() => form.def.valueType, written.keys());
  if (!(form instanceof z.ZodObject)) return null;
  const { shape } = form.def;
  return each((key) => shape[key] as z.core.$ZodType, Object.keys(shape));
}

function withPieces(whole: object, pieces: readonly (readonly [string, Piece])[]): object {
  for (const [key, get] of pieces) Object.defineProperty(whole, key, { enumerable: true, configurable: true, get });
  return whole;
}
