type Regions = Readonly<Record<string, string>>;

/** Reads the page's server-sent events as a browser does. */
export async function readRegions(url: string): Promise<{
  next: () => Promise<Regions>;
  /** The next event that has this region; those before it are passed over. */
  nextWith: (region: string) => Promise<Regions>;
  close: () => void;
}> {
  const closing = new AbortController();
  const response = await fetch(url, { signal: closing.signal });
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  const next = async (): Promise<Regions> => {
    for (;;) {
      const [event, ...rest] = text.split("\n\n");
      const data = rest.length > 0 ? /^data: (.*)$/m.exec(event ?? "")?.[1] : undefined;
      if (rest.length > 0) text = rest.join("\n\n");
      if (data !== undefined) return JSON.parse(data);
      if (rest.length > 0) continue;
      const { value, done } = (await reader?.read()) ?? { value: undefined, done: true };
      if (done) throw new Error("the events are over");
      text += value;
    }
  };
  const nextWith = async (region: string): Promise<Regions> => {
    for (;;) {
      const regions = await next();
      if (region in regions) return regions;
    }
  };
  return { next, nextWith, close: () => closing.abort() };
}
