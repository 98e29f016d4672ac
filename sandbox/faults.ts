/** What a stand-in does instead of, or after, its real answer. */
export type FaultAnswer =
  | { type: "answer"; status: number; headers?: Readonly<Record<string, string>>; body?: string | Buffer }
  /** Do it, then answer this, as a gateway whose patience is over. */
  | { type: "answer-after"; status: number; headers?: Readonly<Record<string, string>>; body?: string }
  /** Close the connection without doing anything. */
  | { type: "cut-before" }
  /** Do it, then close the connection without an answer. */
  | { type: "cut-after" }
  /** Never answer. The connection stays open until the caller gives up or the sandbox stops. */
  | { type: "hang" }
  /** Begin an answer and continue it, a space at a time, until the caller gives up. */
  | { type: "drip" }
  | { type: "delay"; ms: number }
  /** Answer as usual: for tests that need to know when the call comes. */
  | { type: "watch" };

interface PlannedFault {
  call: string;
  skip: number;
  times: number;
  answer: FaultAnswer;
  strike: () => Promise<void>;
}

/** A call has a name, for example `sts.AssumeRole`, `kubernetes.replace-configmap`, `slack.chat.update`. */
export class Faults {
  readonly #planned: PlannedFault[] = [];
  readonly #counts = new Map<string, number>();

  /**
   * `nth` is its first call from now on (1: the next one); `times` is how many in a row. A later fault does not count a
   * call that an earlier one hits. `struck` resolves at the first hit; each hit awaits `onStrike` before the call has
   * any effect.
   */
  plan(
    call: string,
    answer: FaultAnswer,
    options: { nth?: number; times?: number; onStrike?: () => void | Promise<void> } = {},
  ): { struck: Promise<void>; cancel: () => void } {
    let announce: () => void = () => {};
    const struck = new Promise<void>((resolve) => {
      announce = resolve;
    });
    const fault: PlannedFault = {
      call,
      answer,
      skip: (options.nth ?? 1) - 1,
      times: options.times ?? 1,
      strike: async () => {
        announce();
        await options.onStrike?.();
      },
    };
    this.#planned.push(fault);
    return { struck, cancel: () => this.#remove(fault) };
  }

  /** A stand-in calls it before it does anything. Returns the due fault. */
  async meet(call: string): Promise<FaultAnswer | undefined> {
    this.#counts.set(call, this.calls(call) + 1);
    for (const fault of this.#planned) {
      if (fault.call !== call) continue;
      if (fault.skip > 0) {
        fault.skip -= 1;
        continue;
      }
      fault.times -= 1;
      if (fault.times <= 0) this.#remove(fault);
      await fault.strike();
      return fault.answer;
    }
    return undefined;
  }

  calls(call: string): number {
    return this.#counts.get(call) ?? 0;
  }

  clear(): void {
    this.#planned.length = 0;
  }

  #remove(fault: PlannedFault): void {
    const at = this.#planned.indexOf(fault);
    if (at >= 0) this.#planned.splice(at, 1);
  }
}
