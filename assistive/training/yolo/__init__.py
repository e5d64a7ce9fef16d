"""Train hand detectors with ``ultralytics``: its data loading, augmentation, schedule and validation; our networks.

Importing this package makes ``ultralytics`` fit to be imported, so everything here may import it the plain way.
``ultralytics`` is AGPL-3.0 and stays inside this package; the runtime never sees it.
"""

from assistive.training.yolo.offline import prepare

prepare()
