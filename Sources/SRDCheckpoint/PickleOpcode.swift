/// The pickle instructions that checkpoints use, with the names and codes of Python's pickletools.
enum PickleOpcode: UInt8 {
    case proto = 0x80, frame = 0x95, stop = 0x2e
    case mark = 0x28, pop = 0x30, popMark = 0x31, dup = 0x32
    case none = 0x4e, newTrue = 0x88, newFalse = 0x89
    case binInt = 0x4a, binInt1 = 0x4b, binInt2 = 0x4d, long1 = 0x8a, long4 = 0x8b, binFloat = 0x47
    case binUnicode = 0x58, shortBinUnicode = 0x8c, binUnicode8 = 0x8d, binString = 0x54, shortBinString = 0x55
    case binBytes = 0x42, shortBinBytes = 0x43, binBytes8 = 0x8e, byteArray8 = 0x96
    case emptyTuple = 0x29, tuple = 0x74, tuple1 = 0x85, tuple2 = 0x86, tuple3 = 0x87
    case emptyList = 0x5d, append = 0x61, appends = 0x65
    case emptySet = 0x8f, addItems = 0x90, frozenSet = 0x91
    case emptyDict = 0x7d, setItem = 0x73, setItems = 0x75
    case binPut = 0x71, longBinPut = 0x72, memoize = 0x94, binGet = 0x68, longBinGet = 0x6a
    case global = 0x63, stackGlobal = 0x93, reduce = 0x52, build = 0x62, binPersID = 0x51
    case newObject = 0x81, newObjectEx = 0x92
}
