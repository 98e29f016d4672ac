import { YAML_TAG } from "./node.ts";
import { isWide, resolvePlain, type ScalarValue } from "./resolve-plain.ts";

/** Resolves a scalar with an explicit tag; null where go-yaml refuses the text for this tag. */
export function resolveTagged(tag: string, text: string): ScalarValue | null {
  switch (tag) {
    case `${YAML_TAG}binary`:
      return decodeBinary(text);
    case `${YAML_TAG}timestamp`:
      return isTimestamp(text) ? { type: "string", value: text } : null;
    case `${YAML_TAG}bool`:
      return only("bool", text);
    case `${YAML_TAG}null`:
      return only("null", text);
    case `${YAML_TAG}int`:
      return resolveInteger(text);
    case `${YAML_TAG}float`:
      return resolveFloat(text);
    default:
      return { type: "string", value: text };
  }
}

function only(type: ScalarValue["type"], text: string): ScalarValue | null {
  const value = resolvePlain(text);
  return value.type === type ? value : null;
}

function resolveInteger(text: string): ScalarValue | null {
  const value = resolvePlain(text);
  return typeof value.value === "bigint" ? value : null;
}

function resolveFloat(text: string): ScalarValue | null {
  const value = resolvePlain(text);
  if (value.type !== "number" || isWide(value.value)) return null;
  return { type: "number", value: Number(value.value) };
}

/** Go's base64 takes line breaks anywhere and nothing else that is not of the alphabet. */
function decodeBinary(text: string): ScalarValue | null {
  const packed = text.replaceAll(/[\r\n]/g, "");
  if (packed.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(packed)) return null;
  return { type: "string", value: Buffer.from(packed, "base64").toString("utf8") };
}

/** The forms that go-yaml takes: a date, or one with a time behind T and with a zone, or behind a space and without. */
const TIMESTAMP =
  /^(\d{4})-(\d{1,2})-(\d{1,2})(?:[Tt](\d{1,2}:\d{1,2}:\d{1,2})(?:[.,]\d+)?(?:Z|[-+]\d{2}:\d{2})| (\d{1,2}:\d{1,2}:\d{1,2})(?:[.,]\d+)?)?$/;

function isTimestamp(text: string): boolean {
  const match = TIMESTAMP.exec(text);
  if (match === null) return false;
  const [, year, month, day, zoned, plain] = match;
  const [hour = 0, minute = 0, second = 0] = (zoned ?? plain ?? "").split(":").map(Number);
  return isDate(Number(year), Number(month), Number(day)) && hour < 24 && minute < 60 && second < 60;
}

/** A day that the month has not lies in another month. */
function isDate(year: number, month: number, day: number): boolean {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  return date.getUTCMonth() === month - 1;
}
