import { YamlExcess } from "./failure.ts";
import type { Mark } from "./token.ts";

/** More values than any map in use holds: 1 MiB of entries with usual names comes to some 60,000. */
const MOST_VALUES = 100_000;

/** More text than a ConfigMap holds, in UTF-16 units. Only aliases, which repeat a text, come to more. */
const MOST_TEXT = 4 * 1024 * 1024;

/** Counts values and their text, and gives up where there is more than a document may hold. */
export class ReadingBudget {
  #values = MOST_VALUES;
  #text = MOST_TEXT;

  /** One more value, with so much text. */
  spend({ start }: { readonly start: Mark }, text = 0): void {
    this.#values -= 1;
    this.#text -= text;
    if (this.#values < 0) throw excess(`holds more than ${MOST_VALUES.toLocaleString("en")} values`, start);
    if (this.#text < 0) throw excess("repeats so much text by its aliases that it comes to more than 4 MiB", start);
  }

  /** Gives back, when called, what is spent from now on. */
  save(): () => void {
    const [values, text] = [this.#values, this.#text];
    return () => {
      this.#values = values;
      this.#text = text;
    };
  }
}

/** What one document may cost, all its sections together. */
export class DocumentBudget {
  /** Values as they are written. */
  readonly written = new ReadingBudget();
  /** Values as they are decoded: what an alias stands for counts each time. */
  readonly decoded = new ReadingBudget();

  /** Reads a section. One that is too much costs the others nothing: none of it is kept. */
  read<T>(section: () => T): T {
    const restore = [this.written.save(), this.decoded.save()];
    try {
      return section();
    } catch (failure) {
      if (failure instanceof YamlExcess) for (const giveBack of restore) giveBack();
      throw failure;
    }
  }
}

function excess(problem: string, { line, column }: Mark): YamlExcess {
  return new YamlExcess(problem, line, column);
}
