/** The words of Slack's date tokens. @see https://docs.slack.dev/messaging/formatting-message-text/#date-formatting */
const formats: Readonly<Record<string, Intl.DateTimeFormatOptions>> = {
  date_num: { year: "numeric", month: "2-digit", day: "2-digit" },
  date: { year: "numeric", month: "long", day: "numeric" },
  date_short: { year: "numeric", month: "short", day: "numeric" },
  date_long: { year: "numeric", month: "long", day: "numeric", weekday: "long" },
  time: { hour: "2-digit", minute: "2-digit", hourCycle: "h23" },
  time_secs: { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" },
};

/** Fills a format such as `{date_short_pretty} {time}` for a reader's time zone (IANA name). `now` decides what today is. */
export function formatDate(seconds: number, format: string, timeZone: string, now: Date): string {
  const at = new Date(seconds * 1000);
  return format.replace(/\{(\w+)\}/g, (token, name: string) => {
    if (name === "ago") return ago(at, now);
    const plain = name.replace(/_pretty$/, "");
    const options = formats[plain];
    if (!options) return token;
    return (name === plain ? undefined : nearDay(at, now, timeZone)) ?? inZone(at, options, timeZone);
  });
}

function inZone(at: Date, options: Intl.DateTimeFormatOptions, timeZone: string): string {
  return new Intl.DateTimeFormat("en-GB", { ...options, timeZone }).format(at);
}

function nearDay(at: Date, now: Date, timeZone: string): string | undefined {
  const dayOf = (date: Date) => inZone(date, { year: "numeric", month: "2-digit", day: "2-digit" }, timeZone);
  const days = { today: 0, tomorrow: 1, yesterday: -1 };
  return Object.entries(days).find(
    ([, offset]) => dayOf(at) === dayOf(new Date(now.getTime() + offset * 24 * 3600 * 1000)),
  )?.[0];
}

function ago(at: Date, now: Date): string {
  const minutes = Math.round((at.getTime() - now.getTime()) / 60_000);
  const words = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
  return Math.abs(minutes) < 90 ? words.format(minutes, "minute") : words.format(Math.round(minutes / 60), "hour");
}
