/** When people are at work, and what is different when they are not. */
export interface WorkingHours {
  /** A name of the IANA time zone database, for example `Europe/Zurich`. */
  readonly zone: string;
  /** ISO 8601: 1 is Monday, 7 is Sunday. */
  readonly days: readonly number[];
  /** Minutes after midnight; `to` is the first minute that is outside, at most 1440. */
  readonly from: number;
  readonly to: number;
  readonly outside: "refuse" | "warn" | "one-more-approval";
}

const dayNames = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/** Whether a moment is within the hours, by the clock of their own zone. */
export function isWithin(hours: WorkingHours, moment: Date): boolean {
  const parts = new Intl.DateTimeFormat("en-GB", {
    timeZone: hours.zone,
    weekday: "short",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  }).formatToParts(moment);
  const read = (type: Intl.DateTimeFormatPartTypes) => parts.find((part) => part.type === type)?.value ?? "";
  const minutes = Number(read("hour")) * 60 + Number(read("minute"));
  return hours.days.includes(dayNames.indexOf(read("weekday")) + 1) && hours.from <= minutes && minutes < hours.to;
}

/** For example `Mon, Tue, Wed, Thu, Fri 09:00 to 18:00 (Europe/Zurich)`. */
export function hoursInWords({ days, from, to, zone }: WorkingHours): string {
  const names = days.toSorted((a, b) => a - b).map((day) => dayNames[day - 1] ?? "");
  return `${names.join(", ")} ${clock(from)} to ${clock(to)} (${zone})`;
}

function clock(minutes: number): string {
  return `${String(Math.floor(minutes / 60)).padStart(2, "0")}:${String(minutes % 60).padStart(2, "0")}`;
}
