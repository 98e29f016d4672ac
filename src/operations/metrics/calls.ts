import { noteInTrace, traced } from "../tracing/traced.ts";
import { type FinishedCall, finishedCalls } from "./announcements.ts";

/** Runs one call and announces its end. `resultOf` reads an answer; a thrown call never got one. */
export async function observed<T>(
  call: Pick<FinishedCall, "service" | "operation">,
  run: () => Promise<T>,
  resultOf: (answer: T) => string,
): Promise<T> {
  return traced({ name: `${call.service} ${call.operation}`, kind: "client" }, async () => {
    const startedAt = performance.now();
    const tell = (result: string) => {
      noteInTrace({ "eks_access.result": result });
      finishedCalls.tell({ ...call, result, seconds: (performance.now() - startedAt) / 1000 });
    };
    try {
      const answer = await run();
      tell(resultOf(answer));
      return answer;
    } catch (error) {
      tell("unreachable");
      throw error;
    }
  });
}

/** What a status means for a count. */
export function resultOfStatus(status: number): string {
  return status < 400 ? "ok" : String(status);
}
