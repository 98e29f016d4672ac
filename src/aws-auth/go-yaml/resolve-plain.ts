import { isDigit } from "./cursor.ts";

/** The value of a scalar for go-yaml v2 if no type is wanted. An integer is a bigint. */
export type ScalarValue =
  | { readonly type: "null"; readonly value: null }
  | { readonly type: "bool"; readonly value: boolean }
  | { readonly type: "number"; readonly value: bigint | number }
  | { readonly type: "string"; readonly value: string };

const WORDS = new Map<string, ScalarValue>();
for (const word of ["", "~", "null", "Null", "NULL"]) WORDS.set(word, { type: "null", value: null });
for (const word of [".nan", ".NaN", ".NAN"]) WORDS.set(word, { type: "number", value: Number.NaN });
for (const word of [".inf", ".Inf", ".INF"]) {
  WORDS.set(word, { type: "number", value: Number.POSITIVE_INFINITY });
  WORDS.set(`+${word}`, { type: "number", value: Number.POSITIVE_INFINITY });
  WORDS.set(`-${word}`, { type: "number", value: Number.NEGATIVE_INFINITY });
}
for (const word of ["y", "yes", "true", "on"]) addBool(word, true);
for (const word of ["n", "no", "false", "off"]) addBool(word, false);

function addBool(word: string, value: boolean): void {
  const forms = [word, word.charAt(0).toUpperCase() + word.slice(1), word.toUpperCase()];
  for (const form of forms) WORDS.set(form, { type: "bool", value });
}

const FLOAT = /^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$/;
const INTEGER = /^[-+]?(?:0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO][0-7]+|0[0-7]*|[1-9][0-9]*)$/;

/** The texts beginning with a point that strconv.ParseFloat accepts: unlike elsewhere, underscores must separate digits. */
const POINTED = /^\.[0-9]+(_[0-9]+)*([eE][-+]?[0-9]+(_[0-9]+)*)?$/;

/** Resolves a plain scalar. Base 60 numbers are strings to go-yaml; so are timestamps, as it decodes them. */
export function resolvePlain(text: string): ScalarValue {
  const word = WORDS.get(text);
  if (word !== undefined) return word;
  const value = toNumber(text);
  return value === null ? { type: "string", value: text } : { type: "number", value };
}

function toNumber(text: string): bigint | number | null {
  const first = text.charCodeAt(0);
  if (first === 0x2e) return POINTED.test(text) ? finite(text.replaceAll("_", "")) : null;
  if (!isDigit(first) && first !== 0x2b && first !== 0x2d) return null;
  const digits = text.replaceAll("_", "");
  return toInteger(digits) ?? (FLOAT.test(digits) ? finite(digits) : null);
}

/** A number too large for a float64 stays text. */
function finite(digits: string): number | null {
  const value = Number(digits);
  return Number.isFinite(value) ? value : null;
}

/** As strconv.ParseInt and, without a sign, ParseUint read it, with base 0 and 64 bits. */
function toInteger(digits: string): bigint | null {
  if (!INTEGER.test(digits)) return null;
  const sign = digits.charAt(0);
  const size = BigInt(digits.replace(/^[-+]/, "").replace(/^0(?=[0-7])/, "0o"));
  if (sign === "-") return size <= 2n ** 63n ? -size : null;
  return size < (sign === "+" ? 2n ** 63n : 2n ** 64n) ? size : null;
}

/** Whether Go stores a number as a uint64, which it refuses as a key on the way to JSON. */
export function isWide(value: unknown): boolean {
  return typeof value === "bigint" && value >= 2n ** 63n;
}
