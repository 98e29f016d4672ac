import { tooLarge } from "./bounded-pages.ts";

/**
 * Reads the body of an answer as text, within bounds: what is larger is not read to its end. Leaving the loop ends the stream, and
 * its connection with it.
 *
 * @param what who answers: `The API server of cluster payments`
 * @throws AccessError `answer-too-large`
 */
export async function boundedText(body: AsyncIterable<Uint8Array>, bytes: number, what: string): Promise<string> {
  const parts: Uint8Array[] = [];
  let read = 0;
  for await (const part of body) {
    read += part.length;
    if (read > bytes) throw tooLarge(`${what} answers with more than ${bytes} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}
