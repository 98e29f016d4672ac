import { tooLarge } from "./bounded-pages.ts";

/** The most that one answer may hold. */
export interface AnswerBounds {
  readonly bytes: number;
  /**
   * Members and items of JSON. Parsing them costs more than their bytes do: two megabytes of text take milliseconds, and two
   * megabytes of `[` or of small objects most of a second, in which the process does nothing else.
   */
  readonly values: number;
}

/** No answer that we read nests half as deep. */
const deepest = 100;

const [quote, backslash, comma] = [0x22, 0x5c, 0x2c];
const [openList, closeList, openObject, closeObject] = [0x5b, 0x5d, 0x7b, 0x7d];

/**
 * Looks at an answer part by part, as it comes, and refuses it as soon as it is more than is read: before anybody parses it.
 *
 * @param what who answers: `The API server at 10.0.0.1:443`
 * @returns takes the next part; throws AccessError `answer-too-large`
 */
export function answerGuard({ bytes, values }: AnswerBounds, what: string): (part: Uint8Array) => void {
  let [read, count, depth] = [0, 0, 0];
  let [isText, isEscaped] = [false, false];
  const inText = (byte: number) => {
    if (isEscaped) isEscaped = false;
    else if (byte === backslash) isEscaped = true;
    else if (byte === quote) isText = false;
  };
  const between = (byte: number) => {
    if (byte === quote) isText = true;
    else if (byte === comma) count += 1;
    else if (byte === closeList || byte === closeObject) depth -= 1;
    else if (byte === openList || byte === openObject) {
      count += 1;
      depth += 1;
      if (depth > deepest) throw tooLarge(`${what} answers with values nested deeper than ${deepest}`);
    }
  };
  return (part) => {
    read += part.length;
    if (read > bytes) throw tooLarge(`${what} answers with more than ${bytes} bytes`);
    for (const byte of part) {
      if (isText) inText(byte);
      else between(byte);
    }
    if (count > values) throw tooLarge(`${what} answers with more than ${values} values`);
  };
}

/**
 * Reads the body of an answer as text, within bounds: what is larger is not read to its end. Leaving the loop ends the stream, and
 * its connection with it.
 *
 * @throws AccessError `answer-too-large`
 */
export async function boundedText(
  body: AsyncIterable<Uint8Array>,
  bounds: AnswerBounds,
  what: string,
): Promise<string> {
  const guard = answerGuard(bounds, what);
  const parts: Uint8Array[] = [];
  for await (const part of body) {
    guard(part);
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}
