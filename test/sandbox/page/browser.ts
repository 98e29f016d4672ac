import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

const usualPlaces = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** A Chromium of this machine: that of CHROMIUM, or where distributions put it. @throws Error where there is none */
export function launchBrowser(): Promise<Browser> {
  const given = process.env.CHROMIUM;
  const executablePath = given || usualPlaces.find((place) => existsSync(place));
  if (!executablePath) {
    throw new Error(
      `There is no Chromium at ${usualPlaces.join(", ")}. Install one, or name it: CHROMIUM=/path/to/chromium`,
    );
  }
  const quiet = ["background-networking", "component-update", "sync", "quic", "gpu"].map((each) => `--disable-${each}`);
  return chromium.launch({ executablePath, args: ["--no-sandbox", "--no-first-run", ...quiet] });
}
