import SRDFile

/// Names with a tensor each, found together in a checkpoint: a state dict, or the tensors of a safetensors file.
struct TensorMap {
    /// The dict keys that lead to it: ["state_dict", "model"].
    var path: [String]
    /// The names of the float tensors, in the file's order.
    let names: [String]
    /// Names whose value could not be made because its class is unknown here, with that class.
    var opaque: [String: String] = [:]

    /// Where it is, in words: `in "state_dict"."model"`.
    var location: String {
        path.isEmpty ? "at the top level" : "in " + path.map { "\"\($0.printable(limit: 60))\"" }.joined(separator: ".")
    }
}

extension Pickle {
    /// How deep dicts nest, and how many of them are looked at.
    private static let deepestDict = 6, mostDicts = 4096
    /// Work for the parameters of modules, which may share their parts: members looked at, and bytes of names made.
    private static let mostModuleWork = 1 << 24
    /// Longer keys name neither tensors nor dicts with tensors.
    private static let longestKey = 1024

    /// A tensor map and the tensors of its names.
    struct NamedTensors {
        var map: TensorMap
        var tensors: [Tensor]
        /// The identity of the dict in the pickle.
        var identity: Int?
    }

    /// Every dict with float tensors under string keys, outermost first, and the parameters of whole modules.
    func tensorMaps() -> [NamedTensors] {
        var found: [NamedTensors] = [], seen: [Int: Int] = [:]  // where in `found` a dict would be
        var queue: [(value: Value, path: [String])] = [(root, [])], next = 0, budget = Self.mostModuleWork
        while next < queue.count, next < Self.mostDicts {
            let (value, path) = queue[next]
            next += 1
            if let identity = identity(value),
                let place = seen.updateValue(seen[identity] ?? found.count, forKey: identity)
            {
                // One dict under two keys: {"params": weights, "params_ema": weights}.
                if place < found.count, found[place].identity == identity,
                    path.contains(where: { WeightName.isAverage($0) })
                {
                    found[place].map.path = path
                }
                continue
            }
            let members = moduleMembers(value, budget: &budget) ?? members(value) ?? []
            if var map = namedTensors(members, path: path) {
                map.identity = identity(value)
                found.append(map)
            }
            guard path.count < Self.deepestDict else { continue }
            for member in members {
                guard let key = member.key.string, key.utf8.count <= Self.longestKey, queue.count < 2 * Self.mostDicts
                else { continue }
                switch member.value {
                case .dictionary, .opaque: queue.append((member.value, path + [key]))
                default: break
                }
            }
        }
        return found
    }

    private func identity(_ value: Value) -> Int? {
        switch value {
        case .dictionary(let index): 2 * index
        case .opaque(let index): 2 * index + 1
        default: nil
        }
    }

    private func namedTensors(_ members: [Member], path: [String]) -> NamedTensors? {
        var names: [String] = [], tensors: [Tensor] = [], opaque: [String: String] = [:]
        for member in members {
            guard let name = member.key.string, name.utf8.count <= Self.longestKey else { continue }
            if case .tensor(let index) = member.value {
                guard self.tensors[index].storage.type.isFloat else { continue }  // num_batches_tracked
                names.append(name)
                tensors.append(self.tensors[index])
            } else if let className = className(member.value) {
                opaque[name] = className
            }
        }
        return names.isEmpty
            ? nil : NamedTensors(map: TensorMap(path: path, names: names, opaque: opaque), tensors: tensors)
    }

    /// The parameters and buffers of a pickled `torch.nn.Module`, named as its `state_dict()` names them.
    private func moduleMembers(_ value: Value, budget: inout Int) -> [Member]? {
        guard case .opaque(let index) = value else { return nil }
        func parts(_ kind: String, of state: Value) -> [Member]? {
            budget -= members(state)?.count ?? 0
            return budget > 0 ? members(member(kind, of: state)) : nil
        }
        guard parts("_modules", of: opaques[index].state) != nil else { return nil }
        var found: [Member] = [], seen: Set<Int> = [],
            stack: [(state: Value, prefix: String)] = [(opaques[index].state, "")]
        while let (state, prefix) = stack.popLast() {
            for kind in ["_parameters", "_buffers", "_modules"] {
                for member in parts(kind, of: state) ?? [] {
                    guard let key = member.key.string, prefix.utf8.count + key.utf8.count < Self.longestKey else {
                        continue
                    }
                    budget -= 32 + prefix.utf8.count + key.utf8.count
                    guard budget > 0 else { return found }
                    if kind != "_modules" {
                        found.append((.string(prefix + key), member.value))
                    } else if case .opaque(let index) = member.value, seen.insert(index).inserted {
                        stack.append((opaques[index].state, "\(prefix)\(key)."))
                    }
                }
            }
        }
        return found
    }

    /// The keys of the outermost dict and what each holds, for a message.
    var contents: [String] {
        guard let members = members(root) else { return [kind(root)] }
        return members.prefix(Selection.mostFindings).map { member in
            "\(member.key.string.map { "\"\($0.printable(limit: 60))\"" } ?? member.key.kind): \(kind(member.value))"
        } + (members.count > Selection.mostFindings ? ["and \(members.count - Selection.mostFindings) more"] : [])
    }
}
