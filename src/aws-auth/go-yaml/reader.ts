/** What go-yaml's reader takes at a time, in bytes. Source: input_raw_buffer_size in its yamlprivateh.go. */
const CHUNK = 512;

/**
 * Offset up to which the reader has taken a text in, once it was asked for the text up to an offset. It takes whole
 * chunks. A character that the end of one cuts in two stays at the front of the next.
 */
export function readUpTo(text: string, asked: number): number {
  let end = 0;
  while (end < asked && end < text.length) end = endOfChunk(text, end);
  return end;
}

function endOfChunk(text: string, start: number): number {
  let bytes = 0;
  let at = start;
  while (at < text.length) {
    const [character = ""] = text.slice(at, at + 2);
    bytes += Buffer.byteLength(character);
    if (bytes > CHUNK) break;
    at += character.length;
  }
  return at;
}
