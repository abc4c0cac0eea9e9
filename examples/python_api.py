"""From a trained model to a bitstream for the iCEBreaker, without a command line.

python examples/python_api.py [FOLDER]
"""

import sys
from pathlib import Path

import bnnhw


def main(folder: Path) -> None:
    network = bnnhw.read(Path(__file__).parent.parent / "models" / "digits.onnx")
    samples, labels = bnnhw.datasets.load_split("digits", "test")
    scores = bnnhw.evaluate(network, samples)
    print(f"accuracy {(scores.classes == labels).mean():.2%}")

    board = bnnhw.boards.get("icebreaker")
    folded = bnnhw.fold(network, board, fps=10_000)
    cycles, cost = bnnhw.predict(folded, board), bnnhw.cost(folded, board)
    print(f"{cycles.cycles_per_frame} cycles per frame, about {cost.lut4} LUT4 and {cost.bram} block RAMs")

    design = bnnhw.generate(folded, folder / "design", board=board)
    result = bnnhw.simulate(design, samples, labels)
    print(f"{result.mismatches} mismatches in {result.images} frames; the first: {result.difference}")
    assert (result.classes == scores.classes).all()

    built = bnnhw.build_bitstream(design, board, folder)
    speed = f"{built.fps:,.0f} frames per second, {built.link_fps:,.0f} over the link"
    print(f"{built.bitstream}: {built.fmax_mhz:.1f} MHz, {speed}")
    print(bnnhw.write_report(folder))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("build/python-api"))
