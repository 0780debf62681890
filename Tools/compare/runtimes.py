"""Other runtimes that run the network: OpenVINO and ncnn."""


class OpenVINO:
    """int8 by NNCF."""

    @staticmethod
    def quantized(network, inputs):
        import nncf
        import openvino
        example = inputs()
        model = openvino.convert_model(network, example_input=example, input=[tuple(t.shape) for t in example])
        calibration = nncf.Dataset([inputs() for _ in range(4)], lambda item: [t.numpy() for t in item])
        return nncf.quantize(model, calibration, preset=nncf.QuantizationPreset.MIXED, subset_size=4)

    @staticmethod
    def request(model, threads):
        """The size of a model or its file."""
        import openvino
        config = {"INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1, "PERFORMANCE_HINT": "LATENCY"}
        if threads == 1:
            config["SNIPPETS_MODE"] = "DISABLE"
        return openvino.Core().compile_model(model, "CPU", config).create_infer_request()

    def export(self, network, inputs, name):
        import openvino
        openvino.save_model(self.quantized(network, inputs), name + ".xml")

    def load(self, name, threads):
        request = self.request(name + ".xml", threads)

        def run(*inputs):
            request.infer([i[None] for i in inputs])
            return request.get_output_tensor(0).data[0]
        return run


class NCNN:
    """float32, as its Python package runs it: its tools for int8 are not in the package."""

    def export(self, network, inputs, name):
        import pnnx
        pnnx.export(network, name + ".pt", inputs(), fp16=False)

    def load(self, name, threads):
        import ncnn
        import numpy
        net = ncnn.Net()
        net.opt.num_threads = threads
        net.load_param(name + ".ncnn.param")
        net.load_model(name + ".ncnn.bin")

        def run(*inputs):
            extractor = net.create_extractor()
            for i, value in enumerate(inputs):
                extractor.input(f"in{i}", ncnn.Mat(value).clone())
            return numpy.array(extractor.extract("out0")[1])
        return run
