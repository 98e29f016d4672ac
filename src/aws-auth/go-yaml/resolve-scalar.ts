/** What go-yaml v2 takes a scalar for when nothing says what type is wanted. */
export type ScalarValue =
  | { readonly type: "null" }
  | { readonly type: "bool" }
  /** `wide` does not fit an int64, which Go refuses as a key; `finite` is false for .inf and .nan, which JSON can't hold. */
  | { readonly type: "number"; readonly integer: boolean; readonly wide: boolean; readonly finite: boolean }
  | { readonly type: "string"; readonly value: string };

const TAG = "tag:yaml.org,2002:";
const NULL: ScalarValue = { type: "null" };
const BOOL: ScalarValue = { type: "bool" };

const WORDS = new Map<string, ScalarValue>();
for (const word of ["", "~", "null", "Null", "NULL"]) WORDS.set(word, NULL);
const BOOLS = ["y", "yes", "true", "on", "n", "no", "false", "off"];
for (const word of BOOLS) {
  for (const form of [word, word.charAt(0).toUpperCase() + word.slice(1), word.toUpperCase()]) WORDS.set(form, BOOL);
}
for (const word of [".nan", ".NaN", ".NAN"])
  WORDS.set(word, { type: "number", integer: false, wide: false, finite: false });
for (const sign of ["", "+", "-"]) {
  for (const word of [".inf", ".Inf", ".INF"])
    WORDS.set(sign + word, { type: "number", integer: false, wide: false, finite: false });
}

const FLOAT = /^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$/;
const INTEGER = /^([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|(0|[1-9][0-9]*))$/;

/** Resolves a scalar without a tag, written plain. Base 60 numbers are strings to go-yaml; so are timestamps, in effect. */
export function resolvePlain(text: string): ScalarValue {
  const word = WORDS.get(text);
  if (word !== undefined) return word;
  const first = text.charCodeAt(0);
  const isNumeric = (first >= 0x30 && first <= 0x39) || first === 0x2b || first === 0x2d;
  if (isNumeric) return resolveNumber(text.replaceAll("_", "")) ?? { type: "string", value: text };
  if (first === 0x2e && FLOAT.test(text) && Number.isFinite(Number(text))) return float();
  return { type: "string", value: text };
}

function resolveNumber(text: string): ScalarValue | null {
  const match = INTEGER.exec(text);
  if (match !== null) {
    const wide = width(match);
    if (wide !== null) return { type: "number", integer: true, wide, finite: true };
  }
  return FLOAT.test(text) && Number.isFinite(Number(text)) ? float() : null;
}

function float(): ScalarValue {
  return { type: "number", integer: false, wide: false, finite: true };
}

/** Whether an integer needs a uint64, or null where it fits neither that nor an int64. */
function width([, sign, hex, binary, octal, decimal]: RegExpExecArray): boolean | null {
  const digits = hex ? `0x${hex}` : binary ? `0b${binary}` : octal ? `0o${octal}` : (decimal ?? "0");
  const size = BigInt(digits);
  if (sign === "-") return size <= 2n ** 63n ? false : null;
  if (size < 2n ** 63n) return false;
  return sign === "" && size < 2n ** 64n ? true : null;
}

/** Resolves a scalar with an explicit tag; null where go-yaml refuses the text for this tag. */
export function resolveTagged(tag: string, text: string): ScalarValue | null {
  if (!tag.startsWith(TAG)) return { type: "string", value: text };
  const name = tag.slice(TAG.length);
  if (name === "binary") return decodeBinary(text);
  if (name === "timestamp") return isTimestamp(text) ? { type: "string", value: text } : null;
  if (name !== "bool" && name !== "int" && name !== "float" && name !== "null") return { type: "string", value: text };
  const value = resolvePlain(text);
  if (value.type === "number") {
    if (name === "int") return value.integer ? value : null;
    return name === "float" && !value.wide ? { ...value, integer: false } : null;
  }
  return value.type === name ? value : null;
}

/** Go's base64 takes line breaks anywhere and nothing else that is not of the alphabet. */
function decodeBinary(text: string): ScalarValue | null {
  const packed = text.replaceAll(/[\r\n]/g, "");
  if (packed.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(packed)) return null;
  return { type: "string", value: Buffer.from(packed, "base64").toString("utf8") };
}

const TIMESTAMP =
  /^(\d{4})-(\d{1,2})-(\d{1,2})(?:([Tt])(\d{1,2}):(\d{1,2}):(\d{1,2})(?:[.,]\d+)?(Z|[-+]\d{2}:\d{2})|( )(\d{1,2}):(\d{1,2}):(\d{1,2})(?:[.,]\d+)?)?$/;

function isTimestamp(text: string): boolean {
  const match = TIMESTAMP.exec(text);
  if (match === null) return false;
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])];
  const date = new Date(Date.UTC(2000, month - 1, day));
  date.setUTCFullYear(year, month - 1, day);
  if (month < 1 || month > 12 || day < 1 || date.getUTCMonth() !== month - 1) return false;
  const time = match[4] === undefined ? match.slice(10, 13) : match.slice(5, 8);
  const [hour = 0, minute = 0, second = 0] = time.map((part) => Number(part ?? 0));
  return hour < 24 && minute < 60 && second < 60;
}
