// A process of its own for the tests, on the built package. `node writer.mjs <file|sqlite> <path> <what>`, where <what> is
//   commit     commit transactions that write the same number to five keys, and print each number once it is acknowledged
//   increment  add 1 to the key "count", 30 times
//   open       open `<path>.0`, `<path>.1`, …, which are not there yet, each at its moment after `start`, and add 1 to "count"
const [, , kind, path, what, start] = process.argv;

const { fileStorage, sqliteStorage } = await import(`@mx/storage/${kind}`);

if (what === "open") {
  for (let round = 0; round < 4; round++) {
    // Busy, because a timer would come at a different moment in each process.
    while (Date.now() < Number(start) + 120 * round);
    const opened = await sqliteStorage(`${path}.${round}`);
    await increment(opened);
    await opened.close();
  }
  process.exit();
}

const storage = await (kind === "file" ? fileStorage(path) : sqliteStorage(path));

if (what === "commit") {
  for (let number = Number(await storage.get("key 0", 0)) + 1; ; number++) {
    await storage.transaction((transaction) => {
      for (let key = 0; key < 5; key++) transaction.set(`key ${key}`, number);
    });
    process.stdout.write(`${number}\n`);
  }
}

for (let times = 0; times < 30; times++) {
  await increment(storage);
}
await storage.close();

function increment(opened) {
  return opened.transaction(async (transaction) => {
    transaction.set("count", Number(await transaction.get("count", 0)) + 1);
  });
}
