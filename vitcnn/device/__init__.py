"""Describes and controls the device that is measured: its name, clock, memory and environment."""

from vitcnn.device.clock import event_times as event_times
from vitcnn.device.environment import environment as environment
from vitcnn.device.environment import numerics as numerics
from vitcnn.device.memory import CleanState as CleanState
from vitcnn.device.memory import Growth as Growth
from vitcnn.device.memory import free_bytes as free_bytes
from vitcnn.device.memory import free_bytes_of_host as free_bytes_of_host
from vitcnn.device.memory import is_out_of_memory as is_out_of_memory
from vitcnn.device.memory import out_of_memory_as_case_error as out_of_memory_as_case_error
from vitcnn.device.memory import peak_allocated_bytes as peak_allocated_bytes
from vitcnn.device.memory import peak_bytes as peak_bytes
from vitcnn.device.memory import spare_bytes as spare_bytes
from vitcnn.device.which import Device as Device
from vitcnn.device.which import resolve as resolve
