package portation

import "annals/transport/limits"

// What an import may take up.
var (
	maxRecord = limits.Declare(limits.Bound{
		Name: "import.record", What: "a record of an import: a memory with its vector, or what a document says of its character", Per: limits.Message,
		Value: 2 << 20, Unit: limits.Bytes, Answer: "the record is told of as failed; where it is the character, the import is refused",
	})
	maxValue = limits.Declare(limits.Bound{
		Name: "import.value", What: "a value in a document, while it is read", Per: limits.Message, Value: 4 << 20, Unit: limits.Bytes,
		Answer: "the import is refused with 400",
	})
	maxFailures = limits.Declare(limits.Bound{
		Name: "import.failures", What: "records that failed, as far as they are listed; all are counted", Per: limits.Request, Value: 1000, Unit: limits.Count,
		Answer: "none: failedCount has the number",
	})
	maxAtOnce = limits.Declare(limits.Bound{
		Name: "import.memories", What: "memories on their way into the log, of all imports", Per: limits.Server, Value: 512, Unit: limits.Count,
		Answer: "the import waits for the log",
	})
	maxBody = limits.Declare(limits.Bound{
		Name: "import.body", What: "an import", Per: limits.Request, Value: 4 << 30, Unit: limits.Bytes,
		Answer: "413 before it is read, where its length is said; otherwise the import is refused with 400",
	})
	maxOrphans = limits.Declare(limits.Bound{
		Name: "import.orphans", What: "records of an agent that is not there, before its character", Per: limits.Request, Value: 100, Unit: limits.Count,
		Answer: "the import is refused with 400",
	})
	maxReadInAll = limits.Declare(limits.Bound{
		Name: "import.reading.server", What: "values and lines while they are read, of all imports, of each what is beyond 64 KiB", Per: limits.Server,
		Value: 32 << 20, Unit: limits.Bytes, Answer: "the import is refused with 400",
	})
	maxReadOfClient = limits.Declare(limits.Bound{
		Name: "import.reading.client", What: "values and lines while they are read, of each what is beyond 64 KiB", Per: limits.Client,
		Value: 16 << 20, Unit: limits.Bytes, Answer: "the import is refused with 400",
	})
	maxSpoolInAll = limits.Declare(limits.Bound{
		Name: "import.spool.server", What: "records on the disk until the end of their file, of all imports", Per: limits.Server,
		Value: 8 << 30, Unit: limits.Bytes, Answer: "the import is refused with 400",
	})
	maxSpoolOfClient = limits.Declare(limits.Bound{
		Name: "import.spool.client", What: "records on the disk until the end of their file", Per: limits.Client,
		Value: 4 << 30, Unit: limits.Bytes, Answer: "the import is refused with 400",
	})
	maxIDs = limits.Declare(limits.Bound{
		Name: "import.ids", What: "the ids of a copy or a dry run, 64 bytes each", Per: limits.Request, Value: 128 << 20, Unit: limits.Bytes,
		Answer: "the import is refused with 400",
	})
	maxIDsInAll = limits.Declare(limits.Bound{
		Name: "import.ids.server", What: "the ids of copies and dry runs, of all imports", Per: limits.Server, Value: 256 << 20, Unit: limits.Bytes,
		Answer: "the import is refused with 400",
	})
	maxRecords = limits.Declare(limits.Bound{
		Name: "import.records", What: "records of an import", Per: limits.Request, Value: 20_000_000, Unit: limits.Count,
		Answer: "the import is refused with 400",
	})
	maxUnderWay = limits.Declare(limits.Bound{
		Name: "import.bytes", What: "memories on their way into the log, of all imports", Per: limits.Server, Value: 64 << 20, Unit: limits.Bytes,
		Answer: "the import waits for the log",
	})
	maxSpool = limits.Declare(limits.Bound{
		Name: "import.spool", What: "records on the disk until the end of their file", Per: limits.Request, Value: 4 << 30,
		Unit: limits.Bytes, Answer: "the import is refused with 400",
	})
)
