import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { delimiter, join } from "node:path";

export async function findOnPath(...programs: readonly string[]): Promise<string | undefined> {
  for (const program of programs) {
    for (const folder of (process.env.PATH ?? "").split(delimiter)) {
      const path = join(folder, program);
      const runs =
        folder !== "" &&
        (await access(path, constants.X_OK).then(
          () => true,
          () => false,
        ));
      if (runs) return path;
    }
  }
  return undefined;
}
