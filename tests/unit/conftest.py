# SPDX-License-Identifier: GPL-2.0-or-later
import hypothesis

# A law that holds slowly, on a busy machine, holds.
hypothesis.settings.register_profile("unit", deadline=None)
hypothesis.settings.load_profile("unit")
