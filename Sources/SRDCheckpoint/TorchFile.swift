import SRDFile

/// A container of `torch.save`: the pickled objects, and the storages they refer to.
protocol TorchFile {
    var pickle: Pickle { get }

    /// All elements kept under the storage's key: as many bytes as its type and count say.
    func elements(of storage: Pickle.Storage) throws(CheckpointError) -> FileSlice
}

extension TorchFile {
    var epoch: Int? { pickle.member("epoch", of: pickle.root)?.int }
    var globalStep: Int? {
        (pickle.member("global_step", of: pickle.root) ?? pickle.member("step", of: pickle.root))?.int
    }
}

extension Pickle.Tensor {
    /// Returns the number of values. Throws unless every one is inside the storage. Nothing is read or allocated.
    func checkedCount(name: String) throws(CheckpointError) -> Int {
        let outside = CheckpointError.tensorOutsideStorage(
            name: name, shape: shape, strides: strides, offset: offset, storageCount: storage.part.count
        )
        guard let count = ElementType.count(of: shape) else { throw outside }
        if count == 0 { return 0 }
        var last = offset
        for (size, stride) in zip(shape, strides) {
            let (reach, tooFar) = (size - 1).multipliedReportingOverflow(by: stride)
            let (sum, overflow) = last.addingReportingOverflow(reach)
            guard !tooFar, !overflow else { throw outside }
            last = sum
        }
        guard last < storage.part.count else { throw outside }
        return count
    }

    /// Returns the values in row-major order.
    ///
    /// - Parameters:
    ///   - count: what `checkedCount` returned.
    ///   - elements: all elements of the storage.
    func values(count: Int, elements: UnsafeRawBufferPointer) -> [Float] {
        if count == 0 { return [] }
        let type = storage.type
        let first = storage.part.lowerBound + offset
        // The stride of a dimension of one element does not matter.
        let steps = zip(shape, strides).filter { $0.0 > 1 }
        var rowMajor = 1
        let isDense = steps.reversed().allSatisfy { size, stride in
            defer { rowMajor *= size }
            return stride == rowMajor
        }
        if isDense { return type.floats(in: elements.slice(first * type.size..<(first + count) * type.size)) }

        var values: [Float] = []
        values.reserveCapacity(count)
        var index = [Int](repeating: 0, count: steps.count), position = first
        while true {
            values.append(type.float(in: elements, at: position))
            var d = steps.count - 1
            while d >= 0 && index[d] == steps[d].0 - 1 {
                position -= index[d] * steps[d].1
                index[d] = 0
                d -= 1
            }
            if d < 0 { return values }
            index[d] += 1
            position += steps[d].1
        }
    }
}
