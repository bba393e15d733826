"""The model behind LitServe: python serve_litserve.py PORT MODEL"""

import sys

import litserve
from predict import Model


class Predict(litserve.LitAPI):
    def setup(self, device: str) -> None:
        self.model = Model(sys.argv[2])

    def decode_request(self, request: dict[str, str]) -> bytes:
        return request["csv"].encode()

    def predict(self, body: bytes) -> str:
        return self.model.predict(body)

    def encode_response(self, text: str) -> dict[str, str]:
        return {"csv": text}


if __name__ == "__main__":
    server = litserve.LitServer(Predict(api_path="/invocations"), accelerator="cpu", workers_per_device=1)
    server.run(port=int(sys.argv[1]), host="127.0.0.1", generate_client_file=False)
