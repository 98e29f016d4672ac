/** Character classes of YAML 1.1 as go-yaml v2 has them, on UTF-16 units. The end of the text reads as NUL. */
export const NUL = 0;
export const TAB = 0x09;
export const LF = 0x0a;
export const CR = 0x0d;
export const SPACE = 0x20;
const NEL = 0x85;
const LINE_SEPARATOR = 0x2028;
const PARAGRAPH_SEPARATOR = 0x2029;
export const BOM = 0xfeff;

export function isBlank(code: number): boolean {
  return code === SPACE || code === TAB;
}

export function isBreak(code: number): boolean {
  return code === LF || code === CR || isWideBreak(code);
}

export function isBreakOrEnd(code: number): boolean {
  return code === NUL || isBreak(code);
}

/** Asked of nearly every unit of a text. No other unit up to a space is in it: they are refused before. */
export function isBlankBreakOrEnd(code: number): boolean {
  return code <= SPACE || isWideBreak(code);
}

function isWideBreak(code: number): boolean {
  return code === NEL || code === LINE_SEPARATOR || code === PARAGRAPH_SEPARATOR;
}

export function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

/** Letters, digits, `_` and `-`: what anchors, handles and directive names are made of. */
export function isWord(code: number): boolean {
  return (
    isDigit(code) || (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a) || code === 0x5f || code === 0x2d
  );
}

/** A character that go-yaml's reader refuses anywhere in a text: controls but TAB, LF, CR and NEL, and non-characters. */
export const FORBIDDEN = /[^\t\n\r -~\u0085\u00a0-\ufffd]/;

/** What the scanner counts lines by. */
export const LINE_BREAK = /\r\n|[\n\r\u0085\u2028\u2029]/;
