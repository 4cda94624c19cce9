// A process of its own for the tests, on the built package. `node writer.mjs <file|sqlite> <path> <what>`, where <what> is
//   commit     commit transactions that write the same number to five keys, and print each number once it is acknowledged
//   increment  add 1 to the key "count", 30 times
const [, , kind, path, what] = process.argv;

const { fileStorage, sqliteStorage } = await import(`@mx/storage/${kind}`);
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
  await storage.transaction(async (transaction) => {
    transaction.set("count", Number(await transaction.get("count", 0)) + 1);
  });
}
await storage.close();
