import { randomUUID } from "node:crypto";
import { z } from "zod";
import type { ApiAnswer } from "./api-calls.ts";

const texts = z.record(z.string(), z.string()).nullish();

/** The parts of a ConfigMap that we read. Everything else goes back unchanged. */
const shape = z.looseObject({
  metadata: z
    .looseObject({
      resourceVersion: z.string().nullish(),
      uid: z.string().nullish(),
      annotations: texts,
      deletionTimestamp: z.string().nullish(),
      finalizers: z.array(z.string()).nullish(),
      managedFields: z.array(z.unknown()).nullish(),
    })
    .nullish(),
  data: texts,
  immutable: z.boolean().nullish(),
});

/** Another server can answer 200 too. */
const answered = shape.extend({ kind: z.literal("ConfigMap") });

export type ConfigMapObject = z.infer<typeof shape>;

/** Shorter ones are read again faster. */
const largeText = 8 * 1024;

interface LargeText {
  readonly text: string;
  /** Its part of the sent bytes. */
  readonly json: Buffer;
  /** A text that no one can guess. */
  readonly mark: string;
}

/** An object as it is sent. Answers repeat it, and to find its large texts in their bytes takes a tenth of reading them again. */
export class SentObject {
  readonly bytes: Buffer;
  readonly #large: readonly LargeText[];

  constructor(object: ConfigMapObject) {
    const secret = randomUUID();
    const texts: string[] = [];
    const marked = withTexts(object, (text) => (text.length < largeText ? text : `${secret} ${texts.push(text) - 1}`));
    // Each second piece is the number of a large text.
    const pieces = JSON.stringify(marked).split(new RegExp(`"${secret} (\\d+)"`));
    const jsons = pieces.map((piece, index) => (index % 2 === 0 ? piece : JSON.stringify(texts[Number(piece)])));
    this.bytes = Buffer.allocUnsafe(jsons.reduce((sum, json) => sum + Buffer.byteLength(json), 0));
    const large: LargeText[] = [];
    let at = 0;
    for (const [index, json] of jsons.entries()) {
      const from = at;
      at += this.bytes.write(json, at);
      const number = pieces[index] ?? "";
      const text = index % 2 === 0 ? undefined : texts[Number(number)];
      if (text !== undefined) large.push({ text, json: this.bytes.subarray(from, at), mark: `${secret} ${number}` });
    }
    this.#large = large;
  }

  /**
   * An answer that repeats each large text, with a mark in the place of each: both have the same tokens, so they parse to the same but for
   * the marks. Undefined: it does not repeat them all in their places.
   */
  read({ bytes, textOf }: ApiAnswer): ConfigMapObject | undefined {
    const rest: Buffer[] = [];
    let at = 0;
    for (const { json, mark } of this.#large) {
      const from = placeOf(json, bytes, at);
      if (from < 0) return undefined;
      rest.push(bytes.subarray(at, from), Buffer.from(JSON.stringify(mark)));
      at = from + json.length;
    }
    const marked = readObject(textOf(Buffer.concat([...rest, bytes.subarray(at)])));
    const texts = new Map(this.#large.map(({ mark, text }) => [mark, text]));
    let found = 0;
    const object = withTexts(marked, (text) => {
      const large = texts.get(text);
      if (large !== undefined) found += 1;
      return large ?? text;
    });
    return found === texts.size ? object : undefined;
  }
}

/** To search for all of it takes longer than to compare where its beginning is. Below zero: it is not there. */
function placeOf(json: Buffer, bytes: Buffer, from: number): number {
  const beginning = json.subarray(0, 64);
  let place = bytes.indexOf(beginning, from);
  while (place >= 0 && !bytes.subarray(place, place + json.length).equals(json)) {
    place = bytes.indexOf(beginning, place + 1);
  }
  return place;
}

function withTexts(object: ConfigMapObject, change: (text: string) => string): ConfigMapObject {
  const { data, metadata } = object;
  const changed = (texts: Readonly<Record<string, string>>) =>
    Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, change(text)]));
  const annotations = metadata?.annotations && changed(metadata.annotations);
  return {
    ...object,
    ...(data && { data: changed(data) }),
    ...(annotations && { metadata: { ...metadata, annotations } }),
  };
}

/** The object of an answer. @param sent what it answers */
export function readAnswer(answer: ApiAnswer, sent?: object): ConfigMapObject {
  return (sent instanceof SentObject && sent.read(answer)) || readObject(answer.text());
}

/** The object as the API server has it. zod's copy lacks a key `__proto__` in data: a PUT would remove it. */
function readObject(text: string): ConfigMapObject {
  const object: unknown = JSON.parse(text);
  answered.parse(object);
  return object as ConfigMapObject;
}
