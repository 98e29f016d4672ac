import { Readable, Transform } from "node:stream";
import { tooLarge } from "../access/failure/bounded-pages.ts";

/** Bytes. The largest answers are pages of CloudTrail, 50 events of some kilobytes each. */
export const largestAnswer = 4 * 1024 * 1024;

/**
 * The body of an answer of AWS, which fails where it is too large. The SDK reads any body to its end before it looks at it.
 *
 * @param what who answers
 */
export function boundedBody(body: unknown, what: string): unknown {
  if (!(body instanceof Readable)) return body;
  let read = 0;
  const bounded = new Transform({
    transform(part: Buffer, _encoding, done) {
      read += part.length;
      if (read <= largestAnswer) return done(null, part);
      done(tooLarge(`${what} answers with more than ${largestAnswer} bytes`));
    },
  });
  bounded.once("close", () => body.destroy());
  body.once("error", (error) => bounded.destroy(error));
  return body.pipe(bounded);
}
