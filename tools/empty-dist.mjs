// Removes what was built in all packages. A release begins with it: a build leaves the files in dist whose source is gone.
import { readdir, rm } from "node:fs/promises";

const packages = new URL("../packages/", import.meta.url);
for (const name of await readdir(packages)) {
  for (const built of ["dist", ".tsbuildinfo"]) {
    await rm(new URL(`${name}/${built}`, packages), { recursive: true, force: true });
  }
}
