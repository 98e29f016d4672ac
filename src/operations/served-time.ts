/** Longer than a service needs to answer, shorter than people wait for a start. Milliseconds. */
const askWithinMs = 3_000;

/** The time of a server, in whole seconds: each answer has it, also a refusal. @throws if it has no answer, or no time in it */
export async function servedTime(url: string): Promise<Date> {
  const { headers, body } = await fetch(url, { redirect: "manual", signal: AbortSignal.timeout(askWithinMs) });
  await body?.cancel();
  const time = new Date(headers.get("date") ?? "");
  if (Number.isNaN(time.getTime())) throw new Error("the answer has no Date");
  return time;
}
