/** The few types of DER (ITU-T X.690) that a certificate is made of. Each function gives a whole element: tag, length, content. */
function element(tag: number, ...content: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(content);
  return Buffer.concat([Buffer.from([tag, ...lengthOf(body.length)]), body]);
}

export const sequence = (...content: readonly Uint8Array[]) => element(0x30, ...content);
export const set = (...content: readonly Uint8Array[]) => element(0x31, ...content);
export const octetString = (content: Uint8Array) => element(0x04, content);
export const utf8String = (text: string) => element(0x0c, Buffer.from(text, "utf8"));
export const boolean = (value: boolean) => element(0x01, Buffer.from([value ? 0xff : 0]));

/** A context-specific element: `constructed` where it wraps others. */
export const tagged = (number: number, content: Uint8Array, constructed: boolean) =>
  element((constructed ? 0xa0 : 0x80) + number, content);

/** Bits of which the last `unused` do not count. */
export const bitString = (content: Uint8Array, unused = 0) => element(0x03, Buffer.from([unused]), content);

/** A non-negative integer, big-endian. A leading zero keeps the sign bit free, as DER wants it. */
export function integer(bytes: Uint8Array): Buffer {
  const start = bytes.findIndex((byte) => byte !== 0);
  const digits = start < 0 ? Uint8Array.of(0) : bytes.subarray(start);
  return element(0x02, Buffer.from((digits[0] ?? 0) > 0x7f ? [0] : []), digits);
}

/** An object identifier from its dotted form. */
export function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  return element(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
}

/** UTCTime, which certificates use until 2049 (RFC 5280, 4.1.2.5). */
export function utcTime(date: Date): Buffer {
  return element(0x17, Buffer.from(`${date.toISOString().replace(/[-:T]/g, "").slice(2, 14)}Z`, "latin1"));
}

function lengthOf(length: number): number[] {
  if (length < 0x80) return [length];
  return length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
}

function base128(value: number): number[] {
  const digits = [value & 0x7f];
  for (let rest = value >> 7; rest > 0; rest >>= 7) digits.unshift((rest & 0x7f) | 0x80);
  return digits;
}
