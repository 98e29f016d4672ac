import type { Mark, ScalarStyle, Token, TokenType } from "./token.ts";

/** Tokens that are made but not given out yet. A key and the collection that it opens are put in after the fact. */
export class TokenQueue {
  readonly #tokens: Token[] = [];
  #head = 0;
  #taken = 0;

  /** How many have been given out. */
  get taken(): number {
    return this.#taken;
  }

  /** The number that the next token to be added will have. */
  get next(): number {
    return this.#taken + this.#tokens.length - this.#head;
  }

  get isEmpty(): boolean {
    return this.#head === this.#tokens.length;
  }

  first(): Token | undefined {
    return this.#tokens[this.#head];
  }

  shift(): void {
    this.#head += 1;
    this.#taken += 1;
    if (!this.isEmpty) return;
    this.#tokens.length = 0;
    this.#head = 0;
  }

  add(type: TokenType, start: Mark, end: number, value = "", style: ScalarStyle = "plain", suffix = ""): void {
    this.#tokens.push({ type, start, end, value, suffix, style });
  }

  /** Puts a token without any text before the one with this number; at the end, if that has been given out. */
  insert(type: TokenType, start: Mark, before: number): void {
    const token: Token = { type, start, end: start.at, value: "", suffix: "", style: "plain" };
    if (before < this.#taken) this.#tokens.push(token);
    else this.#tokens.splice(this.#head + before - this.#taken, 0, token);
  }
}
