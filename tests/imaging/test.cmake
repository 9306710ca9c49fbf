# OpenCV is the oracle of some tests.
find_package(ConsiliaOpenCV REQUIRED)
target_link_libraries(imaging_test PRIVATE ConsiliaOpenCV::imgproc)
if(TARGET consilia_dicom_codec)
  add_dependencies(imaging_test consilia_dicom_codec)
endif()
