"""A believable Kyrgyz school, written as its people would write it: for demonstrations, tests and benchmarks."""

from node.generator.markers import plant_markers
from node.generator.school import GeneratedSchool, generate

__all__ = ["GeneratedSchool", "generate", "plant_markers"]
